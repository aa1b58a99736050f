"""Links by which the recipient of a message switches its kind off (RFC 8058): tokens with an HMAC, without an end.

A token says who chooses and what kind, and nothing of the message: it is no secret of anyone else's, and can do no
more than switch the kind off.
"""

import base64
import binascii
import hashlib
import hmac

from services.contracts.support.messages import MessageKind
from services.support.domain.message_kind import RULES

_LABEL = b"kierto unsubscribe"
"""Separates the key from that of the links to files, from which it is derived."""
_DIGEST_BYTES = 16


class SignedUnsubscribeLinks:
    """Implements ``usecases.ports.unsubscribe_links.UnsubscribeLinks``."""

    def __init__(self, key: bytes, public_url: str) -> None:
        self._key = hmac.digest(key, _LABEL, hashlib.sha256)
        self._public_url = public_url.rstrip("/")

    def link(self, chooser: str, kind: MessageKind) -> str | None:
        if not self._public_url or not RULES[kind].optional:
            return None
        return f"{self._public_url}/unsubscribe/{self._sign(chooser, kind)}"

    def read(self, token: str) -> tuple[str, MessageKind] | None:
        try:
            content = base64.urlsafe_b64decode(f"{token}{'=' * (-len(token) % 4)}")
            chooser, _, name = content[_DIGEST_BYTES:].decode("ascii").partition(" ")
            kind = MessageKind(name)
        except (binascii.Error, ValueError):
            return None
        # One text has one token: the decoder would pass over characters that are none of its alphabet.
        return (chooser, kind) if hmac.compare_digest(token.encode(), self._sign(chooser, kind).encode()) else None

    def _sign(self, chooser: str, kind: MessageKind) -> str:
        content = f"{chooser} {kind.value}".encode()
        digest = hmac.digest(self._key, content, hashlib.sha256)[:_DIGEST_BYTES]
        return base64.urlsafe_b64encode(digest + content).rstrip(b"=").decode()
