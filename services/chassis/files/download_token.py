"""Tokens of downloads: JWTs with an HMAC, each for one file and a few minutes.

A service gives a link with one to a caller who may read the file; the download address asks for nothing else.
"""

import datetime as dt
import uuid

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from services.chassis.ids import write_id
from services.chassis.runtime.clock import Clock
from services.contracts.files import FileLink

LIFETIME = dt.timedelta(minutes=5)
ID_PREFIX = "file"
MIN_KEY_BYTES = 32
"""RFC 7518, section 3.2."""
_ALGORITHM = "HS256"
_TYPE = "kierto-file+jwt"
_MAX_LENGTH = 1000


class InvalidDownloadToken(Exception):
    """A token that is none, is altered, or has expired."""


class DownloadTokens:
    """Signer and verifier of one service's tokens; ValueError if the key is too short."""

    def __init__(self, service: str, key: bytes, clock: Clock) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"expected a key of {MIN_KEY_BYTES} bytes or more")
        self._service = service
        self._audience = f"{service}-files"
        self._key = OctKey.import_key(key)
        self._clock = clock
        self._registry = JWSRegistry(algorithms=[_ALGORITHM])

    def sign(self, file_id: uuid.UUID, expires_at: dt.datetime) -> str:
        """Return a token for a file."""
        claims = {"aud": self._audience, "sub": str(file_id), "exp": int(expires_at.timestamp())}
        return jwt.encode({"alg": _ALGORITHM, "typ": _TYPE}, claims, self._key, registry=self._registry)

    def link(self, file_id: uuid.UUID, name: str, size: int) -> FileLink:
        """Return a link to a file, which expires after ``LIFETIME``."""
        expires_at = (self._clock.now() + LIFETIME).replace(microsecond=0)
        url = f"/files/{self._service}/{write_id(ID_PREFIX, file_id)}?token={self.sign(file_id, expires_at)}"
        return FileLink(name=name, size=size, url=url, expires_at=expires_at)

    def verify(self, token: str) -> uuid.UUID:
        """Return the file of a token; raise InvalidDownloadToken."""
        if len(token) > _MAX_LENGTH:
            raise InvalidDownloadToken
        try:
            decoded = jwt.decode(token, self._key, registry=self._registry)
            claims = decoded.claims
            if decoded.header.get("typ") != _TYPE or claims["aud"] != self._audience:
                raise InvalidDownloadToken
            if claims["exp"] <= self._clock.now().timestamp():
                raise InvalidDownloadToken
            return uuid.UUID(claims["sub"])
        except (JoseError, KeyError, TypeError, ValueError, RecursionError):
            raise InvalidDownloadToken from None
