"""From a request to its caller: the token is verified, then held against the copy of access, which wins."""

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection, Request

from services.access import copy
from services.access.caller import Caller
from services.access.language import language_of
from services.chassis.client_address import parse_address
from services.chassis.postgres import Pool
from services.chassis.problems import NotReadyYet, Unauthenticated
from services.chassis.tokens import Claims, Verifier
from services.contracts.identity import AccessStated, SubjectKind

_COPY = "SELECT kind, version, active, scopes FROM access.subjects WHERE subject_id = $1"

AskIdentity = Callable[[str], Awaitable[AccessStated | None]]


class Authentication:
    """Finds the caller of a request. ``ask_identity`` answers a subject's access when the copy is behind the token."""

    def __init__(self, verifier: Verifier, pool: Pool, ask_identity: AskIdentity) -> None:
        self._verifier = verifier
        self._pool = pool
        self._ask_identity = ask_identity

    async def stranger(self, request: Request) -> Caller:
        """The caller of a public operation: nobody, from an address, in a language."""
        return Caller(language=language_of(accepted_languages(request)), address=address(request))

    async def caller(self, request: Request) -> Caller:
        """The caller; Unauthenticated without a valid token, NotReadyYet if the copy can't be brought up to it."""
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
            scopes, version = await self._confirmed(claims, kind, scopes)
        return Caller(
            subject_id=claims.sub,
            kind=kind,
            scopes=scopes,
            session_id=claims.sid,
            access_version=version,
            acting=claims.act.get("sub", ""),
            language=language_of(accepted_languages(request), claims.locale),
            address=address(request),
        )

    async def _confirmed(self, claims: Claims, kind: SubjectKind, scopes: frozenset[str]) -> tuple[frozenset[str], int]:
        row = await self._pool.fetchrow(_COPY, claims.sub)
        if row is None or row["version"] < claims.av:
            await self._catch_up(claims)
            row = await self._pool.fetchrow(_COPY, claims.sub)
        if row is None or row["version"] < claims.av:
            raise NotReadyYet("the copy of access is behind the token")
        if not row["active"] or row["kind"] != kind.value:
            raise Unauthenticated
        return scopes & frozenset(row["scopes"]), row["version"]

    async def _catch_up(self, claims: Claims) -> None:
        try:
            stated = await self._ask_identity(claims.sub)
        except Exception as error:
            raise NotReadyYet("identity could not be asked") from error
        if stated is not None:
            async with self._pool.acquire() as connection, connection.transaction():
                await copy.keep(connection, stated)


def accepted_languages(request: HTTPConnection) -> str:
    """The languages that a request's sender reads: its ``Accept-Language`` (RFC 9110, section 12.5.4)."""
    return request.headers.get("accept-language", "")


def address(request: HTTPConnection) -> str:
    """Where a request came from: the gateway says for whom it calls, and only it reaches a service."""
    return address_of(request.headers.get("x-forwarded-for", ""), request.client)


def address_of(forwarded: str, client: tuple[str, int] | None) -> str:
    """The same, from the header and the connection's other end, where they are known."""
    return parse_address(forwarded.partition(",")[0]) or parse_address(client[0] if client else "")
