"""The inputs of an operation that identify things, by the types of their ids (``values.IdOf``)."""

import operator
import typing
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import msgspec

from services.contracts.values import IdOf

COMMAND = "command"
"""The parameter with the command of an operation."""


class IdInput(msgspec.Struct, frozen=True):
    """An input with the id of a thing."""

    prefix: str
    """The prefix of the thing's id; empty for a thing of any type."""
    path: tuple[str, ...]
    """The way to the input in the arguments, in names on the wire."""
    find: Callable[[Any], Any]
    """Function that returns the input of decoded arguments; not for one inside of a list."""
    is_list: bool
    """Whether the input is a list of ids."""
    identifies_thing: bool
    """Whether a call is about the thing: the input has a type and is neither a list nor inside of one. It is required,
    or a field of a command, which is about the thing if it names it."""


def id_type(kind: Any) -> IdOf | None:
    """Return the type of the thing that an id of this annotated type identifies; None for other types."""
    if typing.get_origin(kind) is not Annotated:
        return None
    return next((part for part in typing.get_args(kind)[1:] if isinstance(part, IdOf)), None)


def id_inputs(arguments: type[msgspec.Struct]) -> list[IdInput]:
    """Return the inputs with ids of an operation with these arguments."""
    return list(_inputs_of(arguments, (), (), single=True))


def _inputs_of(
    kind: type[msgspec.Struct], names: tuple[str, ...], path: tuple[str, ...], *, single: bool
) -> Iterator[IdInput]:
    for field in msgspec.structs.fields(kind):
        place = (*names, field.name), (*path, field.encode_name)
        named = _optional_id(field.type) if names == (COMMAND,) else None
        kind_of_field, is_about = (field.type, field.required) if named is None else (named, True)
        yield from _inputs_in(kind_of_field, *place, is_list=False, single=single and is_about)


def _inputs_in(
    kind: Any, names: tuple[str, ...], path: tuple[str, ...], *, is_list: bool, single: bool
) -> Iterator[IdInput]:
    identified = id_type(kind)
    if identified is not None:
        identifies_thing = single and bool(identified.prefix)
        yield IdInput(identified.prefix, path, operator.attrgetter(".".join(names)), is_list, identifies_thing)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _inputs_of(kind, names, path, single=single)
    else:  # a list, an option, or an annotation of one
        in_list = typing.get_origin(kind) is list
        in_option = type(None) in typing.get_args(kind)
        for part in typing.get_args(kind):
            yield from _inputs_in(
                part, names, path, is_list=is_list or in_list, single=single and not (in_list or in_option)
            )


def _optional_id(kind: Any) -> Any | None:
    """Return the id's type of an option of an id; None for any other type."""
    parts = typing.get_args(kind)
    return next((part for part in parts if id_type(part)), None) if type(None) in parts else None
