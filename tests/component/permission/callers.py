"""Every kind of caller of a service, with real tokens, real routes and a real database."""

import base64
import contextlib
import datetime as dt
import enum
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from joserfc.jwk import OKPKey

from services.access import copy
from services.access.authentication import CallerAuthenticator
from services.chassis.auth import tokens
from services.chassis.auth.tokens import Claims, Signer, Verifier
from services.chassis.db.postgres import Pool
from services.chassis.http.client.origin import Origin
from services.chassis.ids import new_uuid, write_id
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.runtime.settings import Environment, SocketAddress, load
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.partners import SCOPES
from services.contracts.permission import Role, SubjectKind
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.hosting.processes import api_routes
from tests.support.canned_service import CannedService
from tests.support.clock import TestClock
from tests.support.http_server import serve_routes

# Every caller requests the site of organisation A; callers of organisation B must see nothing of it.
ORG_A, ORG_B = (
    write_id("org", uuid.UUID(int=0xA << 64 | 7 << 76)),
    write_id("org", uuid.UUID(int=0xB << 64 | 7 << 76)),
)
SITE_A, SITE_A2, SITE_B = (write_id("site", uuid.UUID(int=number << 64 | 7 << 76)) for number in (0xA1, 0xA2, 0xB1))


class CallerCase(enum.Enum):
    """A kind of caller."""

    ANONYMOUS = "no token"
    EXPIRED = "a token that has expired"
    FORGED = "a token with a foreign signature"
    REMOVED = "a member who was removed while the token is valid"
    ENDED = "a member whose access ended yesterday"
    VIEWER = "a viewer"
    EDITOR = "an editor"
    ADMIN = "an admin"
    OTHER_SITE = "an admin limited to another site"
    OTHER_ORGANISATION = "an admin of another organisation"
    PARTNER = "a partner of the organisation with every scope"
    PARTNER_WITHOUT_SCOPE = "a partner without a scope"
    PARTNER_OF_ANOTHER = "a partner of another organisation"
    PARTNER_OF_NONE = "a partner with an empty list"
    STAFF = "staff"
    SERVICE = "a service"
    SIGNED_OUT = "a member whose session ended while the token is valid"
    BY_GATEWAY = "an anonymous caller for whom the gateway calls"


def _member(
    role: Role, organisation: str = ORG_A, sites: list[str] | None = None, until: dt.date | None = None
) -> Grant:
    return Grant(organisation_id=organisation, role=role, billing=True, site_ids=sites, until=until)


USER, PARTNER = SubjectKind.USER, SubjectKind.PARTNER
TODAY = dt.date(2026, 3, 4)
YESTERDAY = TODAY - dt.timedelta(days=1)
ACCESS: dict[CallerCase, tuple[SubjectKind, tuple[str, ...], list[Grant]]] = {
    CallerCase.REMOVED: (USER, (), []),
    CallerCase.ENDED: (USER, (), [_member(Role.ADMIN, until=YESTERDAY)]),
    CallerCase.EXPIRED: (USER, (), [_member(Role.ADMIN)]),
    CallerCase.FORGED: (USER, (), [_member(Role.ADMIN)]),
    CallerCase.SIGNED_OUT: (USER, (), [_member(Role.ADMIN)]),
    CallerCase.VIEWER: (USER, (), [_member(Role.VIEWER)]),
    CallerCase.EDITOR: (USER, (), [_member(Role.EDITOR)]),
    CallerCase.ADMIN: (USER, (), [_member(Role.ADMIN)]),
    CallerCase.OTHER_SITE: (USER, (), [_member(Role.ADMIN, sites=[SITE_A2])]),
    CallerCase.OTHER_ORGANISATION: (USER, (), [_member(Role.ADMIN, ORG_B)]),
    CallerCase.PARTNER: (PARTNER, SCOPES, [Grant(organisation_id=ORG_A)]),
    CallerCase.PARTNER_WITHOUT_SCOPE: (PARTNER, (), [Grant(organisation_id=ORG_A)]),
    CallerCase.PARTNER_OF_ANOTHER: (PARTNER, SCOPES, [Grant(organisation_id=ORG_B)]),
    CallerCase.PARTNER_OF_NONE: (PARTNER, SCOPES, []),
    CallerCase.STAFF: (SubjectKind.STAFF, (), [Grant(organisation_id=None, role=Role.ADMIN, billing=True)]),
}


SUBJECTS: dict[CallerCase, str] = {
    who: write_id("partner" if kind is PARTNER else "user", uuid.UUID(int=(0xCA11 + place) << 64 | 7 << 76))
    for place, (who, (kind, _, _)) in enumerate(ACCESS.items())
}
"""The ids of the callers with an account."""


class ServiceEndpoint:
    """The routes of a service on loopback, and calls as every kind of caller."""

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        access_tokens: dict[CallerCase, str],
        signer: Signer,
        clock: TestClock,
    ) -> None:
        self.url = url
        self._session = session
        self._tokens = access_tokens
        self._signer, self._clock = signer, clock
        self.runtime: ServiceRuntime[Any]

    async def call(self, who: CallerCase, operation: str, arguments: dict[str, Any]) -> tuple[int, bytes]:
        """Call an operation and return status and body."""
        return await self.call_with(self.headers(who), operation, arguments)

    async def call_with(self, headers: Mapping[str, str], operation: str, arguments: Any) -> tuple[int, bytes]:
        """Call an operation with any header fields; an empty name is a batch."""
        body = msgspec.json.encode(arguments)
        async with self._session.post(
            f"{self.url}/rpc/{operation}".removesuffix("/"), data=body, headers=headers
        ) as response:
            return response.status, await response.read()

    async def upload(
        self, who: CallerCase, kind: str, file: bytes | AsyncIterator[bytes], content_type: str = "text/csv"
    ) -> int:
        """Upload a file of an import and return the status."""
        address = f"{self.url}/files/import-{kind}?name={kind}.csv"
        headers = {"Content-Type": content_type, **self.headers(who)}
        async with self._session.post(address, data=file, headers=headers) as response:
            return response.status

    async def download(self, who: CallerCase, path: str) -> tuple[int, bytes]:
        """Download a file and return status and body."""
        async with self._session.get(f"{self.url}{path}", headers=self.headers(who)) as response:
            return response.status, await response.read()

    async def fields(self, who: CallerCase, path: str) -> Mapping[str, str]:
        """Download a file and return the header fields."""
        async with self._session.get(f"{self.url}{path}", headers=self.headers(who)) as response:
            return response.headers

    def headers(self, who: CallerCase) -> dict[str, str]:
        """Return the header fields that authenticate a caller."""
        # An address for each caller, for attempts are limited by address.
        headers = {"X-Forwarded-For": f"192.0.2.{list(CallerCase).index(who)}"}
        if who in self._tokens:
            headers["Authorization"] = f"Bearer {self._tokens[who]}"
        if who is CallerCase.BY_GATEWAY:
            headers[tokens.SERVICE_TOKEN_HEADER] = self.service_token("gateway")
        return headers

    def service_token(self, name: str, subject: str = "") -> str:
        """Return a service's own token, or one on behalf of a subject."""
        return self._signer.sign(_of_service(name, self._clock.now(), subject))


@contextlib.asynccontextmanager
async def serve_service(
    blueprint: Blueprint[Any, Any],
    url: str,
    pool: Pool,
    clock: TestClock,
    folder: Path,
    responses: Mapping[str, Mapping[str, bytes]] | None = None,
) -> AsyncIterator[ServiceEndpoint]:
    """Serve a service's api, with the access of every caller in its copy.

    ``responses`` are those of other services: by service and operation.
    """
    key, foreign = _key(), _key()
    key_file = folder / "key.jwk"
    key_file.write_bytes(key)
    signer = Signer(key)
    settings = load(
        blueprint.settings,
        blueprint.name,
        {
            "KIERTO_ENV": Environment.TEST.value,
            "KIERTO_LISTEN": str(SocketAddress("127.0.0.1", 0)),
            "KIERTO_DATABASE_URL": url,
            "KIERTO_KAFKA": "127.0.0.1:9",
            "KIERTO_IDENTITY_URL": "http://127.0.0.1:9",
            "KIERTO_SITES_URL": "http://127.0.0.1:9",
            "KIERTO_ORDERS_URL": "http://127.0.0.1:9",
            "KIERTO_STATS_URL": "http://127.0.0.1:9",
            "KIERTO_IDENTITY_SIGNING_KEY_FILE": str(key_file),
            "KIERTO_IDENTITY_PEPPER": "pepper for the permission walk",
            "KIERTO_IDENTITY_SERVICE_SECRETS": '{"orders": "secret"}',
            "KIERTO_FILES_URL": (folder / "files").as_uri(),
            "KIERTO_FILES_KEY": base64.b64encode(bytes(32)).decode(),
        },
    )

    async def keys() -> str:
        return signer.public_keys()

    access_tokens: dict[CallerCase, str] = {}
    async with pool.acquire() as connection:
        for who, (kind, scopes, grants) in ACCESS.items():
            subject = SUBJECTS[who]
            stated = AccessStated(
                subject_id=subject, kind=kind, version=2, active=True, scopes=list(scopes), grants=grants
            )
            await copy.upsert_access(connection, stated)
            age = dt.timedelta(minutes=11) if who is CallerCase.EXPIRED else dt.timedelta()
            issuer = Signer(foreign) if who is CallerCase.FORGED else signer
            claims = _claims(subject, kind, scopes, clock.now() - age)
            access_tokens[who] = issuer.sign(claims)
            if who is CallerCase.SIGNED_OUT:
                await copy.end_session(connection, claims.sid)
    access_tokens[CallerCase.SERVICE] = signer.sign(_of_service("support", clock.now()))

    async with aiohttp.ClientSession() as session:
        responses = responses or {}
        identity, *others = (
            CannedService(name, **responses[name])
            if name in responses
            else ServiceChannel(name, Origin(settings.identity_url))
            for name in ("identity", *blueprint.calls)
        )
        channels = {channel.name: channel for channel in others}
        runtime: ServiceRuntime[Any] = ServiceRuntime(settings, clock, pool, identity, blueprint, channels)
        authenticator = CallerAuthenticator(Verifier(keys, clock), pool, blueprint.fetch_access(runtime))
        async with serve_routes(api_routes(blueprint, runtime, authenticator)) as address:
            endpoint = ServiceEndpoint(address, session, access_tokens, signer, clock)
            endpoint.runtime = runtime
            yield endpoint


def _claims(subject: str, kind: SubjectKind, scopes: tuple[str, ...], at: dt.datetime) -> Claims:
    return Claims(
        iss=tokens.ISSUER,
        aud=tokens.AUDIENCE,
        sub=subject,
        client_id="kierto",
        jti=new_uuid().hex,
        iat=int(at.timestamp()),
        exp=int((at + tokens.LIFETIME).timestamp()),
        kind=kind.value,
        av=1,
        sid=write_id("session", new_uuid()),
        scope=" ".join(scopes),
    )


def _of_service(name: str, at: dt.datetime, subject: str = "") -> Claims:
    client_id = f"service:{name}"
    claims = _claims(subject or client_id, SubjectKind.SERVICE, (), at)
    return msgspec.structs.replace(claims, client_id=client_id, sid="", act={"sub": client_id} if subject else {})


def _key() -> bytes:
    return msgspec.json.encode(OKPKey.generate_key("Ed25519", private=True).as_dict(private=True))
