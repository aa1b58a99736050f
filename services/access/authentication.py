"""Authentication: the token is verified, then confirmed by the copy of access, which takes precedence."""

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection, Request

from services.access import copy
from services.access.caller import Caller
from services.access.language import language_of
from services.chassis.auth.tokens import SERVICE_TOKEN_HEADER, Claims, Verifier
from services.chassis.db.postgres import Pool
from services.chassis.http.server.client_address import parse_address
from services.chassis.problems import NotReadyYet, Unauthenticated
from services.contracts.identity.events import AccessStated
from services.contracts.permission import SubjectKind

_SELECT_SUBJECT = """
    SELECT kind, version, active, scopes,
           EXISTS (SELECT 1 FROM access.ended_sessions WHERE session_id = $2) AS session_ended
    FROM access.subjects WHERE subject_id = $1
"""

GATEWAY = "gateway"
"""The service that calls for anonymous callers and states their addresses."""

FetchAccess = Callable[[str], Awaitable[AccessStated | None]]


class CallerAuthenticator:
    """Authenticates requests. ``fetch_access`` fetches a subject's access when the copy is behind the token."""

    def __init__(self, verifier: Verifier, pool: Pool, fetch_access: FetchAccess) -> None:
        self._verifier = verifier
        self._pool = pool
        self._fetch_access = fetch_access

    async def anonymous_caller(self, request: Request) -> Caller:
        """Return the anonymous caller of a public operation, with address and language.

        Raises Unauthenticated if the service token of the request is not the gateway's, NotReadyYet without keys.
        """
        from_gateway = await self._is_from_gateway(request)
        forwarded = request.headers.get("x-forwarded-for", "") if from_gateway else ""
        peer = request.client.host if request.client else ""
        return Caller(
            language=language_of(accepted_languages(request)),
            address=parse_address(forwarded) or parse_address(peer),
            from_gateway=from_gateway,
        )

    async def caller(self, request: Request) -> Caller:
        """Return the caller of an operation.

        Raises Unauthenticated without a valid token, NotReadyYet if the copy can't be brought up to its version.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        claims = await self._verifier.verify(token)
        try:
            kind = SubjectKind(claims.kind)
        except ValueError:
            raise Unauthenticated from None
        scopes = frozenset(claims.scope.split())
        version = 0
        if kind is not SubjectKind.SERVICE:
            scopes, version = await self._confirm_access(claims, kind, scopes)
        return Caller(
            subject_id=claims.sub,
            kind=kind,
            scopes=scopes,
            session_id=claims.sid,
            access_version=version,
            actor=claims.act.get("sub", ""),
            service=_service_name(claims),
            language=language_of(accepted_languages(request), claims.locale),
        )

    async def _is_from_gateway(self, request: Request) -> bool:
        token = request.headers.get(SERVICE_TOKEN_HEADER)
        if token is None:
            return False
        if _service_name(await self._verifier.verify(token)) != GATEWAY:
            raise Unauthenticated
        return True

    async def _confirm_access(
        self, claims: Claims, kind: SubjectKind, scopes: frozenset[str]
    ) -> tuple[frozenset[str], int]:
        row = await self._pool.fetchrow(_SELECT_SUBJECT, claims.sub, claims.sid)
        if row is None or row["version"] < claims.av:
            await self._refresh_copy(claims)
            row = await self._pool.fetchrow(_SELECT_SUBJECT, claims.sub, claims.sid)
        if row is None or row["version"] < claims.av:
            raise NotReadyYet("the copy of access is behind the token")
        if not row["active"] or row["kind"] != kind.value or row["session_ended"]:
            raise Unauthenticated
        return scopes & frozenset(row["scopes"]), row["version"]

    async def _refresh_copy(self, claims: Claims) -> None:
        try:
            stated = await self._fetch_access(claims.sub)
        except Exception as error:
            raise NotReadyYet("identity could not be reached") from error
        if stated is not None:
            async with self._pool.acquire() as connection, connection.transaction():
                await copy.upsert_access(connection, stated)


def accepted_languages(request: HTTPConnection) -> str:
    """Return the ``Accept-Language`` of a request (RFC 9110, section 12.5.4)."""
    return request.headers.get("accept-language", "")


def _service_name(claims: Claims) -> str:
    """Return the name of the service that a token was issued to, whatever its subject; empty for others."""
    return claims.client_id.removeprefix("service:") if claims.kind == SubjectKind.SERVICE.value else ""
