"""The lists in an operation's filters, checked before the operation: an empty one would find nothing."""

import functools
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from services.contracts.values import MAX_FILTER_VALUES, Filter, Problem, malformed


@functools.cache
def filter_lists(arguments: type[msgspec.Struct]) -> list[tuple[str, str, str, str]]:
    """Return the lists in the filters among an operation's arguments, each as names and names on the wire."""
    return [
        (argument.name, field.name, argument.encode_name, field.encode_name)
        for argument in msgspec.structs.fields(arguments)
        for kind in _types_in(argument.type)
        if isinstance(kind, type) and issubclass(kind, Filter)
        for field in msgspec.structs.fields(kind)
        if any(get_origin(one) is list for one in _types_in(field.type))
    ]


def filter_problems(arguments: msgspec.Struct) -> Iterator[Problem]:
    """Yield a problem for each list in a filter that is empty or too long."""
    for argument, field, *path in filter_lists(type(arguments)):
        given = getattr(arguments, argument)
        values = None if given is None else getattr(given, field)
        if values is None:
            continue
        if not values:
            yield malformed(*path, reason="EMPTY_LIST")
        elif len(values) > MAX_FILTER_VALUES:
            yield malformed(*path, reason="TOO_MANY", most=MAX_FILTER_VALUES)


def _types_in(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union and what an annotation annotates."""
    if get_origin(annotation) is Annotated:
        yield from _types_in(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _types_in(member)
    else:
        yield annotation
