"""A broken request and what may be answered: the corpus is tables of these."""

from collections.abc import Collection

import msgspec

FINE = frozenset((*range(200, 300), *range(400, 500)))
REFUSED = frozenset(range(400, 500))
OK = frozenset({200})
BAD = frozenset({400})
OK_OR_BAD = frozenset({200, 400})
TOO_LARGE = frozenset({413})
WRONG_TYPE = frozenset({415})


class Broken(msgspec.Struct, frozen=True):
    """``what`` is broken in the bytes that are sent, and the statuses that may be answered."""

    what: str
    sent: bytes
    expected: Collection[int] = FINE
