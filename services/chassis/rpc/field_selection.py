"""Parts of an answer: whoever reads only some fields says which, and is sent only those.

A selection is a JSON list of names as they are on the wire, in the order in which they are wanted; a list behind a name
is the selection of its value, which is an object, or a list of objects: ``["id", "address", ["street", "city"]]``. What
is written ``key:text`` is no field, but the text by that key. What is selected goes through lists and nulls.

What is picked was checked when it was picked, with the types that the contract declares: whoever asked need not look at
it again. Whole numbers are within 32 bits and no number is none (GraphQL's Int and Float are so; specification,
section 3.5); of what is not as it should be all is sent, and it is the reader who says what is wrong.
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
    """Of such a type such a selection can't be picked."""


def selected_type(kind: Any, selection: FieldSelection) -> Any:
    """What is left of a type: ``kind`` without what is not selected. NotPicked if that can't be said."""
    origin = get_origin(kind)
    if origin is Annotated:
        return selected_type(get_args(kind)[0], selection)
    if origin is list:
        (item,) = get_args(kind)
        return list[selected_type(item, selection)]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        # What was not filled in is no value that could be picked.
        members = [one for one in get_args(kind) if one is not UnsetType]
        objects = [one for one in members if one is not types.NoneType]
        if len(objects) != 1:
            raise UnsupportedSelection("one of several types")
        made = selected_type(objects[0], selection)
        return made | None if len(members) > 1 else made
    if isinstance(origin or kind, type) and issubclass(origin or kind, msgspec.Struct):
        return _selected_struct(kind, selection)
    raise UnsupportedSelection("no object")


def _selected_struct(kind: Any, selection: FieldSelection) -> type[msgspec.Struct]:
    config = (get_origin(kind) or kind).__struct_config__
    if config.tag is not None:
        raise UnsupportedSelection("an object with a tag")
    declared = {one.encode_name: one for one in msgspec.structs.fields(kind)}
    fields: list[Any] = []
    names: dict[str, str] = {}
    for place, (one, below) in enumerate(_names_with_selections(selection)):
        key, constant, text = one.partition(":")
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
    return msgspec.defstruct("Picked", fields, rename=names, kw_only=True, gc=False)


def _names_with_selections(selection: FieldSelection) -> Iterator[tuple[str, FieldSelection | None]]:
    """The names of a selection, each with that of its value, if it has one."""
    for one, following in itertools.zip_longest(selection, selection[1:]):
        if isinstance(one, str):
            yield one, following if isinstance(following, list) else None
        elif not isinstance(one, list) or isinstance(following, list) or one is selection[0]:
            raise UnsupportedSelection("no selection")


def _leaf_type(kind: Any) -> Any:
    """The type of a value that has no selection of its own, as strict as its reader's."""
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
    """What writes the selected part of values of a type as JSON, or gives None for one that is not as declared.

    None if such a type has no such part, or that is no selection.
    """
    try:
        wanted = msgspec.json.decode(selection)
        made = selected_type(kind, wanted) if isinstance(wanted, list) else None
    except (msgspec.DecodeError, UnsupportedSelection, RecursionError):
        made = None
    if made is None:
        return None

    def pick(value: Any) -> bytes | None:
        try:
            return _encode(msgspec.convert(value, made, from_attributes=True))
        except msgspec.ValidationError:
            return None

    return pick
