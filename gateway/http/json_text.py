"""JSON of clients, whose strings may hold surrogates that have no partner."""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

_ESCAPES = re.compile(
    rb"""
    \\u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}  # a pair: one character (RFC 8259, section 7)
    | (?P<alone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})
    | \\.  # any other escape, so that an escaped backslash hides what follows it
    """,
    re.VERBOSE | re.DOTALL,
)
_NONCHARACTER = rb"\uffff"


def decode_json(decode: Callable[[bytes], T], text: bytes) -> T:
    """Decode JSON; each surrogate without a partner becomes U+FFFF, which no text may contain.

    No decoder takes such a surrogate (RFC 8259, section 8.2), so that the whole request would fail. A noncharacter in
    its place is refused with the path of its field, in a batch for its own item alone. Raises as ``decode`` does.
    """
    try:
        return decode(text)
    except msgspec.DecodeError:
        replaced = _ESCAPES.sub(lambda match: _NONCHARACTER if match["alone"] else match[0], text)
        if replaced == text:
            raise
    return decode(replaced)
