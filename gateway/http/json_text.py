"""JSON texts of clients, whose strings may have unpaired surrogates."""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")

_ESCAPES = re.compile(
    rb"""
    \\u[dD][89abAB][0-9a-fA-F]{2} \\u[dD][c-fC-F][0-9a-fA-F]{2}  # a pair: one character (RFC 8259, section 7)
    | (?P<unpaired>\\u[dD][89a-fA-F][0-9a-fA-F]{2})
    | \\.  # any other escape, so that the "u" after an escaped backslash begins none
    """,
    re.VERBOSE | re.DOTALL,
)
_NONCHARACTER = rb"\uffff"


def decode_json(decode: Callable[[bytes], T], text: bytes) -> T:
    """Decode JSON with each unpaired surrogate replaced by the noncharacter U+FFFF. Raises as ``decode``.

    A decoder fails at an unpaired surrogate (RFC 8259, section 8.2), and with it the whole request. The noncharacter is
    refused by the validation of its field, with the path, in a batch for its item only.
    """
    try:
        return decode(text)
    except msgspec.DecodeError:
        replaced = _ESCAPES.sub(lambda match: _NONCHARACTER if match["unpaired"] else match[0], text)
        if replaced == text:
            raise
    return decode(replaced)
