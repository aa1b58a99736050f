"""Field selection: a response has only the fields that its client reads.

A selection is a JSON list of names as they are on the wire, in the order of the response. A list behind a name is the
selection of its value, an object or a list of objects: ``["id", "address", ["street", "city"]]``. An entry ``key:text``
is no field, but that text by that key. A selection applies to each item of a list, and to no null.

Selected fields are validated against the types of the contract, so that the client need not validate them. Integers are
within 32 bits and floats are finite, as GraphQL's Int and Float are (specification, section 3.5). A result that is not
as declared is sent whole, for the client to report what is wrong.
"""

import functools
import itertools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, UnsetType

_NUMBERS: dict[Any, Any] = {
    int: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    float: Annotated[float, Meta(ge=-1.7976931348623157e308, le=1.7976931348623157e308)],
}
_encode = msgspec.json.Encoder().encode

FieldSelection = Sequence[Any]


class UnsupportedSelection(Exception):
    """A type has no such part."""


def selected_type(kind: Any, selection: FieldSelection) -> Any:
    """Return ``kind`` with only the selected fields; raise UnsupportedSelection if it has no such part."""
    origin = get_origin(kind)
    if origin is Annotated:
        return selected_type(get_args(kind)[0], selection)
    if origin is list:
        (item,) = get_args(kind)
        return list[selected_type(item, selection)]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        # An unset field is no value that could be selected.
        members = [one for one in get_args(kind) if one is not UnsetType]
        objects = [one for one in members if one is not types.NoneType]
        if len(objects) != 1:
            raise UnsupportedSelection("one of several types")
        selected = selected_type(objects[0], selection)
        return selected | None if len(members) > 1 else selected
    if isinstance(origin or kind, type) and issubclass(origin or kind, msgspec.Struct):
        return _selected_struct(kind, selection)
    raise UnsupportedSelection("no object")


def _selected_struct(kind: Any, selection: FieldSelection) -> type[msgspec.Struct]:
    config = (get_origin(kind) or kind).__struct_config__
    if config.tag is not None:
        raise UnsupportedSelection("an object with a tag")
    declared = {item.encode_name: item for item in msgspec.structs.fields(kind)}
    fields: list[Any] = []
    names: dict[str, str] = {}
    for place, (item, below) in enumerate(_names_with_selections(selection)):
        key, constant, text = item.partition(":")
        if key in names.values():
            raise UnsupportedSelection("the same name twice")
        if constant:
            name = f"_constant_{place}"
            fields.append((name, Literal[text], text))
        elif key in declared:
            name = declared[key].name
            of = declared[key].type
            fields.append((name, _leaf_type(of) if below is None else selected_type(of, below)))
        else:
            raise UnsupportedSelection("no such field")
        names[name] = key
    return msgspec.defstruct("Selected", fields, rename=names, kw_only=True, gc=False)


def _names_with_selections(selection: FieldSelection) -> Iterator[tuple[str, FieldSelection | None]]:
    """Yield the names of a selection, each with the selection of its value if there is one."""
    for item, following in itertools.zip_longest(selection, selection[1:]):
        if isinstance(item, str):
            yield item, following if isinstance(following, list) else None
        elif not isinstance(item, list) or isinstance(following, list) or item is selection[0]:
            raise UnsupportedSelection("no selection")


def _leaf_type(kind: Any) -> Any:
    """Return the type of a value without a selection, as strict as the client's."""
    origin = get_origin(kind)
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    if origin is list:
        return list[_leaf_type(get_args(kind)[0])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return Union[tuple(_leaf_type(one) for one in get_args(kind) if one is not UnsetType)]  # noqa: UP007 - as many as there are
    return kind


@functools.lru_cache(maxsize=500)
def selection_encoder(kind: Any, selection: bytes) -> Callable[[Any], bytes | None] | None:
    """Return a function that encodes the selected fields of a value, or returns None for one that is not as declared.

    Return None if the type has no such part, or the selection is malformed.
    """
    try:
        names = msgspec.json.decode(selection)
        selected = selected_type(kind, names) if isinstance(names, list) else None
    except (msgspec.DecodeError, UnsupportedSelection, RecursionError):
        selected = None
    if selected is None:
        return None

    def encode_selected(value: Any) -> bytes | None:
        try:
            return _encode(msgspec.convert(value, selected, from_attributes=True))
        except msgspec.ValidationError:
            return None

    return encode_selected
