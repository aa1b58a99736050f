"""Maximum size of an operation's arguments as JSON, derived from their types."""

import datetime as dt
import enum
import types
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from services.contracts.values import TextLimit

_BYTES_PER_CODE_POINT = 6
"""Of a control character as an escape sequence (RFC 8259, section 7); in UTF-8 it is four at most."""
_MAX_BYTES: dict[Any, int] = {int: 20, float: 25, bool: 5, type(None): 4, dt.date: 12, dt.datetime: 40}


def max_json_bytes(kind: Any) -> int | None:
    """Return the maximum bytes of a type's value as JSON without blanks; None if it is unbounded."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        limits = [one for one in arguments[1:] if isinstance(one, TextLimit)]
        return limits[0].longest * _BYTES_PER_CODE_POINT + 2 if limits else max_json_bytes(arguments[0])
    if origin in (Union, types.UnionType):
        sizes = [max_json_bytes(one) for one in arguments]
        return None if None in sizes else max(size for size in sizes if size is not None)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return max(len(msgspec.json.encode(one)) for one in kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        total = 2
        for field in msgspec.structs.fields(kind):
            size = max_json_bytes(field.type)
            if size is None:
                return None
            total += len(field.encode_name) + len('"":,') + size
        return total
    return _MAX_BYTES.get(kind)
