"""How secrets of 256 random bits are kept: as a digest under the pepper. Not to be guessed, they need no slow hash."""

import hashlib
import hmac


def digest(pepper: bytes, purpose: str, text: str) -> bytes:
    """What is kept of a text (HMAC-SHA256). ``purpose`` keeps the same text in two places from being told equal."""
    return hmac.digest(pepper, f"{purpose}:{text}".encode(), hashlib.sha256)


def digests_equal(one: bytes, other: bytes) -> bool:
    """Whether two digests are the same, in a time that does not tell where they part."""
    return hmac.compare_digest(one, other)
