"""Strawberry types made from the contracts' structs: a value goes from a service to the client as it is.

A type made here has the struct's fields and resolves them from the struct itself; ``extend_type`` adds those that
other services know. Types are made when the schema is put together, so modules may declare them in any order.
"""

import datetime as dt
import enum
import functools
import inspect
import operator
import re
import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Union

import msgspec
import strawberry
from msgspec import UnsetType
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType
from strawberry.utils.str_converters import to_camel_case

from gateway.execution.completion.compiler import CHECKS_CLASS_ONLY
from gateway.execution.cost.directives import Cost
from gateway.schema.scalars import Long

StructType = type[msgspec.Struct]

_LONG_FIELDS = {"grams", "minor", "sequence"}


@strawberry.interface(description="What has a global id (GraphQL Global Object Identification).")
class Node:
    """A thing that ``node`` finds by its id."""

    id: strawberry.ID


class _TypeExtension(msgspec.Struct, frozen=True):
    fields: Sequence[StrawberryField]
    hidden: Sequence[str]
    node: bool
    weight: int | None


_extensions: dict[StructType, _TypeExtension] = {}


def extend_type(
    struct: StructType,
    *fields: StrawberryField,
    node: bool = False,
    hidden: Sequence[str] = (),
    weight: int | None = None,
) -> None:
    """Add fields to the graph's type of a struct; ``node``: it has a global id; ``hidden`` fields are not shown.

    ``weight`` is what each one costs that is answered, where it is not 1.
    """
    if struct in _extensions:
        raise TypeError(f"{struct.__name__} is declared twice")
    _extensions[struct] = _TypeExtension(fields, hidden, node, weight)


def node_types() -> list[type]:
    """The types of everything that has a global id, for those that no field leads to."""
    return [_object_type(struct) for struct, joined in _extensions.items() if joined.node]


def output_type(annotation: Any, name: str = "", union: str = "") -> Any:
    """The graph's type for a contract's annotation, to be used in annotations of Strawberry's.

    ``name`` is the Python name of the field that has it; ``union`` the name of the result that it is, where it has
    several members.
    """
    several = [one for one in union_members(annotation) if one not in (type(None), UnsetType)]
    if len(several) > 1:
        if not union:
            raise TypeError(f"{annotation} needs a name in the graph")
        made: Any = Annotated[
            functools.reduce(operator.or_, (output_type(member) for member in several)), strawberry.union(union)
        ]
    else:
        made = _list_or_named_type(several[0], name, union)
    return made | None if type(None) in union_members(annotation) else made


def argument_type(annotation: Any, name: str) -> Any:
    """The graph's type for an argument; where that is an input type, resolvers get the contract's command itself."""
    (kind,) = [one for one in union_members(annotation) if one is not type(None)]
    if typing.get_origin(kind) is list:
        made: Any = list[argument_type(typing.get_args(kind)[0], name)]  # type: ignore[misc]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        made = _input_type(kind)
    else:
        made = _leaf_type(kind, name)
    return made | None if type(None) in union_members(annotation) else made


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Return what an annotation allows: the members of a union, else the one type that it is.

    Limits of texts are left out: services hold callers to them.
    """
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(one for member in typing.get_args(annotation) for one in union_members(member))
    if typing.get_origin(annotation) is Annotated:
        return union_members(typing.get_args(annotation)[0])
    return (annotation,)


def _list_or_named_type(kind: Any, name: str, union: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return list[output_type(arguments[0], name, union)]  # type: ignore[misc]
    if isinstance(origin or kind, type) and issubclass(origin or kind, msgspec.Struct):
        return _LazyStructType(_type_name(kind), "", kind=kind)
    return _leaf_type(kind, name)


def _leaf_type(kind: Any, name: str) -> Any:
    if kind is str and (name in ("id", "ids", "subject") or name.endswith(("_id", "_ids"))):
        return strawberry.ID
    if kind is int and (name in _LONG_FIELDS or name.endswith("_grams")):
        return Long
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_type(kind)
    if kind in (str, int, bool, float, dt.date, dt.datetime):
        return kind
    raise TypeError(f"the graph has no type for {kind} ({name})")


@functools.cache
def _enum_type(kind: type[enum.Enum]) -> type[enum.Enum]:
    return strawberry.enum(kind, description=_type_description(kind))


class _LazyStructType(LazyType[Any, Any]):
    """The type of a struct, made when the schema asks for it: types may lead to each other in circles."""

    def __init__(self, type_name: str, module: str, package: str | None = None, kind: Any = None) -> None:
        super().__init__(type_name, module, package)
        object.__setattr__(self, "kind", kind)

    def resolve_type(self) -> type:
        return _object_type(self.kind)  # type: ignore[attr-defined]


@functools.cache
def _object_type(kind: Any) -> type:
    struct = typing.get_origin(kind) or kind
    joined = _extensions.get(kind) or _TypeExtension((), (), False, None)
    fields = [
        _struct_field(field.name, output_type(field.type, field.name))
        for field in msgspec.structs.fields(kind)
        if field.name not in joined.hidden
    ]
    body: dict[str, Any] = {field.python_name: field for field in [*fields, *joined.fields]}

    def is_type_of(value: Any, _: Any) -> bool:
        return isinstance(value, struct)

    setattr(is_type_of, CHECKS_CLASS_ONLY, True)
    body["is_type_of"] = staticmethod(is_type_of)
    bases = (Node,) if joined.node else ()
    made = types.new_class(_type_name(kind), bases, {}, lambda namespace: namespace.update(body))
    costs = [] if joined.weight is None else [Cost(weight=str(joined.weight))]
    return strawberry.type(made, description=_type_description(struct), directives=costs)


def _struct_field(name: str, kind: Any) -> StrawberryField:
    made: StrawberryField = strawberry.field(graphql_type=kind)
    made.python_name = name
    return made


@functools.cache
def _input_type(struct: StructType) -> type:
    body: dict[str, Any] = {"__annotations__": {}, "__doc__": struct.__doc__}
    for field in msgspec.structs.fields(struct):
        body["__annotations__"][field.name] = argument_type(field.type, field.name)
        if field.default is not msgspec.NODEFAULT:
            body[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            body[field.name] = strawberry.field(default_factory=field.default_factory)
        elif type(None) in union_members(field.type):
            body[field.name] = None
    made = types.new_class(f"{struct.__name__}Input", (), {}, lambda namespace: namespace.update(body))
    shown = strawberry.input(made, description=_type_description(struct))
    definition: StrawberryObjectDefinition = shown.__strawberry_definition__  # type: ignore[attr-defined]

    def command(_: type, given: Any, __: InputContext) -> Any:
        return msgspec.convert(given, struct)

    definition.from_input = command
    return shown


def _type_name(kind: Any) -> str:
    """The name in the graph: the struct's own; a generic one follows what it is of (SiteConnection)."""
    arguments = typing.get_args(kind)
    if arguments:
        return f"{arguments[0].__name__}{typing.get_origin(kind).__name__}"
    return str(kind.__name__)


def _type_description(kind: type) -> str | None:
    return graphql_description((inspect.getdoc(kind) or "").split("\n\n")[0])


def graphql_description(text: str) -> str | None:
    """A docstring as the graph shows it: Python's names become the graph's."""
    named = re.sub("``(.*?)``", lambda match: f"`{to_camel_case(match[1])}`", text)
    return re.sub(r"\bNone\b", "null", named) or None
