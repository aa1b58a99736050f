"""Ids of seeded things: UUIDv7 (RFC 9562, section 5.7) whose random part follows from what the thing is."""

import datetime as dt
import hashlib
import uuid


def seeded_id(kind: str, number: int, moment: dt.datetime) -> uuid.UUID:
    """Return the id of the ``number``-th thing of a kind, made at ``moment``: the same every time."""
    digest = hashlib.blake2b(f"{kind} {number}".encode(), digest_size=10).digest()
    random = int.from_bytes(digest, "big")
    milliseconds = int(moment.timestamp() * 1000)
    head = milliseconds << 80 | 0x7 << 76 | (random & 0xFFF) << 64
    return uuid.UUID(int=head | 0b10 << 62 | random >> 18)
