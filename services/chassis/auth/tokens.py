"""Access tokens: JWTs after RFC 9068, signed with Ed25519 (RFC 8037, RFC 9864), checked as RFC 8725 says."""

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

ALGORITHM = "Ed25519"
TYPE = "at+jwt"
ISSUER = "kierto"
AUDIENCE = "kierto"
LIFETIME = dt.timedelta(minutes=10)
SERVICE_TOKEN_HEADER = "Kierto-Service-Token"  # noqa: S105 - a header field
"""Where the gateway shows its own token when it calls for a stranger: beside the field that tells who asks."""
_CACHE_SIZE = 2000
_LEEWAY_S = 5
_REFETCH_INTERVAL_S = 1.0
"""Between two fetches of the keys, whatever came of the first: a stranger's tokens must not become calls."""


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says: who, never what they may.

    ``sub`` subject; ``kind`` what sort of subject; ``sid`` session; ``scope`` separated by spaces; ``av`` the version
    of the subject's access when the token was made; ``act`` the service that acts for it (RFC 8693, section 4.1);
    ``locale`` a person's own language (OpenID Connect Core, section 5.1), empty if there is none.
    """

    iss: str
    aud: str
    sub: str
    client_id: str
    jti: str
    iat: int
    exp: int
    kind: str
    av: int = 0
    sid: str = ""
    scope: str = ""
    act: dict[str, str] = {}
    locale: str = ""

    def valid_at(self, now: float) -> bool:
        """Whether a token that says this is of its time at ``now`` (seconds since 1970)."""
        return self.iat - _LEEWAY_S <= now < self.exp


class Signer:
    """Signs tokens with identity's private key (a JWK); ValueError if it is none."""

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
        """The token with these claims."""
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._key.kid}
        return jwt.encode(header, msgspec.to_builtins(claims), self._key, registry=self._registry)

    def public_keys(self) -> str:
        """The JWK Set that verifies them."""
        public = {**self._key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
        return msgspec.json.encode({"keys": [public]}).decode()


class Verifier:
    """Verifies tokens with the keys that ``fetch`` brings; asks for them anew when a token names another key.

    They are fetched once a second at most.

    A token that was verified is remembered until it expires: the same bytes need no second signature check.
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
        """The claims of a valid token; Unauthenticated for any other, NotReadyYet while there are no keys."""
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
        """Whether there are keys to verify with."""
        if self._keys is None:
            await self._load()
        return self._keys is not None

    async def _verify(self, token: str) -> Claims:
        if self._keys is None:
            await self._load()
        try:
            try:
                return self._decode(token)
            except InvalidKeyIdError:  # perhaps signed with a key that is newer than ours
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
            except Exception:
                # Identity is away. What has been verified goes on; the rest is told to come again.
                return
            finally:
                self._fetched_at = time.monotonic()
