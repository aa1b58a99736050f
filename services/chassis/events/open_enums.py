"""Enums of events are open: an event whose only fault is an unknown enum value is of a newer build, not malformed."""

import enum
import functools
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from services.contracts.declare import Event


def has_unknown_value(struct: type[Event], data: bytes) -> bool:
    """Return whether data that does not decode would decode if the enums of its event had every value."""
    try:
        _open_decoder(struct).decode(data)
    except (ValueError, RecursionError):
        return False
    return True


@functools.cache
def _open_decoder(struct: type[Event]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_open(struct))


def _open(annotation: Any) -> Any:
    """Return a type in which each enum, also of a struct's field, is replaced by the type of its values."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _union(type(member.value) for member in annotation)
    if origin is Literal:
        return _union(type(value) for value in arguments)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _open_struct(annotation)
    if origin is Annotated:
        return Annotated[_open(arguments[0]), *annotation.__metadata__]
    if origin is not None:
        generic = Union if origin is types.UnionType else origin
        return generic[tuple(_open(argument) for argument in arguments)]
    return annotation


def _open_struct(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    fields = msgspec.structs.fields(struct)
    config = struct.__struct_config__
    return msgspec.defstruct(
        struct.__name__,
        [
            (field.name, _open(field.type))
            if field.required
            else (field.name, _union((_open(field.type), msgspec.UnsetType)), msgspec.UNSET)
            for field in fields
        ],
        kw_only=True,
        rename={field.name: field.encode_name for field in fields},
        tag=config.tag,
        tag_field=config.tag_field,
    )


def _union(members: Iterable[Any]) -> Any:
    return Union[tuple(members)]  # noqa: UP007  # the members are computed
