"""Access tokens: JWTs after RFC 9068, signed with Ed25519 (RFC 8037, RFC 9864), verified after RFC 8725."""

import asyncio
import datetime as dt
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from services.chassis.problems import NotReadyYet, Unauthenticated
from services.chassis.runtime.clock import Clock
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

ALGORITHM = "Ed25519"
TYPE = "at+jwt"
ISSUER = "kierto"
AUDIENCE = "kierto"
LIFETIME = dt.timedelta(minutes=10)
SERVICE_TOKEN_HEADER = "Kierto-Service-Token"  # noqa: S105 - a header field
"""Header field with the gateway's own token in calls for an anonymous caller, beside the caller's ``Authorization``."""
_CACHE_SIZE = 2000
_LEEWAY_S = 5
_REFETCH_INTERVAL_S = 1.0
"""Time between two fetches of the keys, failed ones included: tokens of unknown keys must not become calls."""


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Claims of a token: the caller's identity, never permissions."""

    iss: str
    aud: str
    sub: str
    client_id: str
    jti: str
    iat: int
    exp: int
    kind: str
    """The kind of subject."""
    av: int = 0
    """The version of the subject's access at issue."""
    sid: str = ""
    """The session."""
    scope: str = ""
    """Scopes, separated by spaces."""
    act: dict[str, str] = {}
    """The service that acts for the subject (RFC 8693, section 4.1)."""
    locale: str = ""
    """A person's preferred language (OpenID Connect Core, section 5.1), if there is one."""

    def valid_at(self, now: float) -> bool:
        """Return whether ``now`` (seconds since 1970) is within the token's lifetime."""
        return self.iat - _LEEWAY_S <= now < self.exp


class Signer:
    """Signer of tokens with identity's private key (a JWK); ValueError if it is none."""

    def __init__(self, private_key: bytes) -> None:
        jwk = msgspec.json.decode(private_key, type=dict[str, str | list[str]])
        # A key made before RFC 9864 names the algorithm EdDSA; its curve says the same.
        jwk.pop("alg", None)
        try:
            self._key = OKPKey.import_key(jwk)
        except JoseError as error:
            raise ValueError(str(error)) from error
        if not self._key.is_private:
            raise ValueError("expected a private key")
        self._key.ensure_kid()
        self._registry = JWSRegistry(algorithms=[ALGORITHM])

    def sign(self, claims: Claims) -> str:
        """Return the token with these claims."""
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._key.kid}
        return jwt.encode(header, msgspec.to_builtins(claims), self._key, registry=self._registry)

    def public_keys(self) -> str:
        """Return the JWK Set that verifies the tokens."""
        public = {**self._key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
        return msgspec.json.encode({"keys": [public]}).decode()


class Verifier:
    """Verifier of tokens with the keys that ``fetch`` returns, fetched again when a token names an unknown key.

    Keys are fetched once a second at most. Verified tokens are cached until they expire: the same bytes need no second
    signature check.
    """

    def __init__(self, fetch: Callable[[], Awaitable[str]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = -math.inf
        self._registry = JWSRegistry(algorithms=[ALGORITHM])
        self._verified: OrderedDict[str, Claims] = OrderedDict()
        self._fetch_lock = asyncio.Lock()

    async def verify(self, token: str) -> Claims:
        """Return the claims of a valid token; raise Unauthenticated for any other, NotReadyYet without keys."""
        claims = self._verified.get(token)
        if claims is None:
            claims = await self._verify(token)
            self._verified[token] = claims
            if len(self._verified) > _CACHE_SIZE:
                self._verified.popitem(last=False)
        if not claims.valid_at(self._clock.now().timestamp()):
            self._verified.pop(token, None)
            raise Unauthenticated
        return claims

    async def ready(self) -> bool:
        """Return whether keys are loaded; try to load them if not."""
        if self._keys is None:
            await self._load()
        return self._keys is not None

    async def _verify(self, token: str) -> Claims:
        if self._keys is None:
            await self._load()
        try:
            try:
                return self._decode(token)
            except InvalidKeyIdError:  # perhaps the key is newer than the last fetch
                await self._load()
                return self._decode(token)
        except (JoseError, ValueError, RecursionError):
            raise Unauthenticated from None

    def _decode(self, token: str) -> Claims:
        if self._keys is None:
            raise NotReadyYet("no keys yet")
        decoded = jwt.decode(token, self._keys, registry=self._registry)
        if decoded.header.get("typ") != TYPE:
            raise ValueError("not an access token")
        claims = msgspec.convert(decoded.claims, Claims)
        if claims.iss != ISSUER or claims.aud != AUDIENCE:
            raise ValueError("not for us")
        return claims

    async def _load(self) -> None:
        async with self._fetch_lock:
            if time.monotonic() - self._fetched_at < _REFETCH_INTERVAL_S:
                return
            try:
                self._keys = KeySet.import_key_set(msgspec.json.decode(await self._fetch()))
            except Exception as error:
                # Known keys and cached tokens remain valid.
                _log.info("keys could not be fetched", error=str(error)[:200])
            finally:
                self._fetched_at = time.monotonic()
