"""The malformed requests of the corpus, with their allowed statuses."""

from collections.abc import Collection

import msgspec

SUCCESS_OR_CLIENT_ERROR = frozenset((*range(200, 300), *range(400, 500)))
CLIENT_ERROR = frozenset(range(400, 500))
OK = frozenset({200})
BAD = frozenset({400})
OK_OR_BAD = frozenset({200, 400})
TOO_LARGE = frozenset({413})
WRONG_TYPE = frozenset({415})


class MalformedRequest(msgspec.Struct, frozen=True):
    """The bytes of a malformed request, named by its defect, and the allowed statuses."""

    name: str
    raw: bytes
    expected: Collection[int] = SUCCESS_OR_CLIENT_ERROR
