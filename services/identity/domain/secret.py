"""Digests of secrets of 256 random bits, keyed with the pepper. Against guessing, these need no slow hash."""

import hashlib
import hmac


def digest(pepper: bytes, purpose: str, text: str) -> bytes:
    """Return the digest of a text (HMAC-SHA256). ``purpose`` separates digests of the same text in different uses."""
    return hmac.digest(pepper, f"{purpose}:{text}".encode(), hashlib.sha256)


def digests_equal(one: bytes, other: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(one, other)
