"""Addresses to which mails come back (VERP): each names its mail, and has an HMAC.

``bounces@kierto.example`` becomes ``bounces+<mail>.<digest>@kierto.example``: a local part of 64 characters at most
(RFC 5321, section 4.5.3.1.1), and the same in capitals, as some servers write it.
"""

import hashlib
import hmac
import re
import uuid

_LABEL = b"kierto bounce"
"""Separates the key from that of the links to files, from which it is derived."""
_DIGEST_BYTES = 7
_TAG = re.compile(r"\+([0-9a-f]{32})\.([0-9a-f]{14})")


class SignedBounceAddresses:
    """Implements ``usecases.ports.bounce_addresses.BounceAddresses``. ``base`` is the address without a mail's name."""

    def __init__(self, key: bytes, base: str) -> None:
        self._key = hmac.digest(key, _LABEL, hashlib.sha256)
        self._local, _, self._domain = base.lower().rpartition("@")

    def address(self, mail_id: uuid.UUID) -> str:
        if not self._domain:
            return ""
        return f"{self._local}+{mail_id.hex}.{self._digest(mail_id)}@{self._domain}"

    def read(self, address: str) -> uuid.UUID | None:
        local, _, domain = address.lower().rpartition("@")
        tag = _TAG.fullmatch(local.removeprefix(self._local))
        if tag is None or not self._domain or domain != self._domain or not local.startswith(self._local):
            return None
        mail_id = uuid.UUID(hex=tag[1])
        return mail_id if hmac.compare_digest(tag[2], self._digest(mail_id)) else None

    def _digest(self, mail_id: uuid.UUID) -> str:
        return hmac.digest(self._key, mail_id.bytes, hashlib.sha256)[:_DIGEST_BYTES].hex()
