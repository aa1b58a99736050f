"""Strawberry types derived from the contracts' structs.

A derived type has the struct's fields and resolves them from the struct; ``extend_type`` adds fields of other
services. Types are created when the schema is built, so modules may extend them in any order.
"""

import datetime as dt
import enum
import functools
import operator
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

from gateway.execution.completion.compiler import CHECKS_CLASS_ONLY
from gateway.execution.cost.directives import Cost
from gateway.schema.descriptions import (
    argument_description,
    attribute_description,
    input_field_description,
    type_description,
    union_description,
)
from gateway.schema.scalars import TEXT_SCALARS, Json, Long
from services.contracts.bulk_operations import BulkOperation
from services.contracts.identity.actors import Actor
from services.contracts.orders.event_log import OrderEvent
from services.contracts.values import Error, Filter, MutationResult, OneOf, Sorting, TextFormat

StructType = type[msgspec.Struct]

_LONG_FIELDS = {"grams", "gross", "minor", "sequence"}
_INTERFACES: Sequence[StructType] = (Error, MutationResult, Actor, BulkOperation, OrderEvent)
"""The structs that are interfaces in the graph: the types of their subclasses implement them."""


@strawberry.interface(description="An object with a global id (GraphQL Global Object Identification).")
class Node:
    """The interface of objects that ``node`` finds by their id."""

    id: strawberry.ID = strawberry.field(description="The global id.")


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
    """Add fields to the GraphQL type of a struct.

    ``node``: it implements ``Node``. ``hidden`` fields of the struct are left out. ``weight`` is the cost of each
    returned object; None: 1.
    """
    if struct in _extensions:
        raise TypeError(f"{struct.__name__} is extended twice")
    _extensions[struct] = _TypeExtension(fields, hidden, node, weight)


def interface_members() -> list[type]:
    """Return the types that implement an interface, so that the schema has even those that no field returns by name."""
    nodes = [struct for struct, extension in _extensions.items() if extension.node and struct not in _INTERFACES]
    return [_object_type(struct) for struct in [*nodes, *Actor.__subclasses__(), *OrderEvent.__subclasses__()]]


def output_type(annotation: Any, name: str = "", union: str = "") -> Any:
    """Return the output type of a contract's annotation, as an annotation for Strawberry.

    ``name`` is the Python name of the field that has the type; ``union`` the GraphQL name if it is a union.
    """
    members = [one for one in union_members(annotation) if one not in (type(None), UnsetType)]
    if len(members) > 1:
        if not union:
            raise TypeError(f"the union {annotation} needs a name in the graph")
        members = [member for one in members for member in _concrete_members(one)]
        graphql_type: Any = Annotated[
            functools.reduce(operator.or_, (output_type(member) for member in members)),
            strawberry.union(union, description=union_description(members)),
        ]
    else:
        graphql_type = _list_or_named_type(members[0], name, union)
    return graphql_type | None if type(None) in union_members(annotation) else graphql_type


def argument_type(annotation: Any, name: str) -> Any:
    """Return the type of an argument. Resolvers get an argument of an input type as the contract's struct."""
    (kind,) = [one for one in union_members(annotation) if one is not type(None)]
    if typing.get_origin(kind) is list:
        graphql_type: Any = list[argument_type(typing.get_args(kind)[0], name)]  # type: ignore[misc]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        graphql_type = _input_type(kind)
    else:
        graphql_type = _leaf_type(kind, name)
    return graphql_type | None if type(None) in union_members(annotation) else graphql_type


def described_argument_type(annotation: Any, name: str) -> Any:
    """Return the type of an argument with its description."""
    description = argument_description(name, annotation)
    return Annotated[argument_type(annotation, name), strawberry.argument(description=description)]


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the single type of another annotation.

    A text in a standard's format becomes its scalar. Other metadata of ``Annotated`` is left out: services check it.
    """
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(one for member in typing.get_args(annotation) for one in union_members(member))
    if typing.get_origin(annotation) is Annotated:
        kind, *metadata = typing.get_args(annotation)
        formats = [TEXT_SCALARS[one.scalar] for one in metadata if isinstance(one, TextFormat)]
        return tuple(formats) or union_members(kind)
    return (annotation,)


def _concrete_members(member: Any) -> Sequence[Any]:
    """Return the structs that stand for a union's member: those of an interface, which no union may have itself."""
    return member.__subclasses__() if member in _INTERFACES else [member]


def _list_or_named_type(kind: Any, name: str, union: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return list[output_type(arguments[0], name, union)]  # type: ignore[misc]
    if kind is Node:
        return Node
    if isinstance(origin or kind, type) and issubclass(origin or kind, msgspec.Struct):
        return _LazyStructType(_type_name(kind), "", kind=kind)
    return _leaf_type(kind, name)


def _leaf_type(kind: Any, name: str) -> Any:
    if kind is str and (name in ("id", "ids", "subject", "removed") or name.endswith(("_id", "_ids"))):
        return strawberry.ID
    if kind is int and (name in _LONG_FIELDS or name.endswith("_grams")):
        return Long
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_type(kind)
    if kind in (str, int, bool, float, dt.date, dt.datetime, *TEXT_SCALARS.values()):
        return kind
    if kind in (Any, msgspec.Raw) or typing.get_origin(kind) is dict:
        return Json
    raise TypeError(f"the graph has no type for {kind} ({name})")


@functools.cache
def _enum_type(kind: type[enum.Enum]) -> type[enum.Enum]:
    definition: Any = strawberry.enum(kind, description=type_description(kind))
    for value in definition.__strawberry_definition__.values:
        value.description = attribute_description(kind, value.name)
    return kind


class _LazyStructType(LazyType[Any, Any]):
    """The type of a struct, created on demand because types may refer to each other in cycles."""

    def __init__(self, type_name: str, module: str, package: str | None = None, kind: Any = None) -> None:
        super().__init__(type_name, module, package)
        object.__setattr__(self, "kind", kind)

    def resolve_type(self) -> type:
        kind = self.kind  # type: ignore[attr-defined]
        return _interface_type(kind) if kind in _INTERFACES else _object_type(kind)


def _extension_of(kind: Any) -> _TypeExtension:
    return _extensions.get(kind) or _TypeExtension((), (), False, None)


@functools.cache
def _object_type(kind: Any) -> type:
    struct = typing.get_origin(kind) or kind
    extension = _extension_of(kind)
    implemented = [one for one in _INTERFACES if issubclass(struct, one)]
    hidden = {*extension.hidden, *(name for one in implemented for name in _extension_of(one).hidden)}
    fields = [
        _struct_field(field.name, output_type(field.type, field.name), attribute_description(struct, field.name))
        for field in msgspec.structs.fields(kind)
        if field.name not in hidden
    ]
    body: dict[str, Any] = {field.python_name: field for field in [*fields, *extension.fields]}

    def is_type_of(value: Any, _: Any) -> bool:
        return isinstance(value, struct)

    setattr(is_type_of, CHECKS_CLASS_ONLY, True)
    body["is_type_of"] = staticmethod(is_type_of)
    interfaces = [_interface_type(one) for one in implemented]
    is_node = extension.node and not any(issubclass(one, Node) for one in interfaces)
    bases = (Node, *interfaces) if is_node else tuple(interfaces)
    new_class = types.new_class(_type_name(kind), bases, {}, lambda namespace: namespace.update(body))
    costs = [] if extension.weight is None else [Cost(weight=str(extension.weight))]
    return strawberry.type(new_class, description=type_description(struct), directives=costs)


@functools.cache
def _interface_type(struct: StructType) -> type:
    extension = _extension_of(struct)
    fields = [
        _struct_field(field.name, output_type(field.type, field.name), attribute_description(struct, field.name))
        for field in msgspec.structs.fields(struct)
        if field.name not in extension.hidden
    ]
    body: dict[str, Any] = {field.python_name: field for field in [*fields, *extension.fields]}
    bases = (Node,) if extension.node else ()
    new_class = types.new_class(struct.__name__, bases, {}, lambda namespace: namespace.update(body))
    return strawberry.interface(new_class, description=type_description(struct))


def _struct_field(name: str, kind: Any, description: str | None) -> StrawberryField:
    field: StrawberryField = strawberry.field(graphql_type=kind, description=description)
    field.python_name = name
    return field


@functools.cache
def _input_type(struct: StructType) -> type:
    body: dict[str, Any] = {"__annotations__": {}, "__doc__": struct.__doc__}
    for field in msgspec.structs.fields(struct):
        body["__annotations__"][field.name] = argument_type(field.type, field.name)
        default: dict[str, Any] = {}
        if issubclass(struct, OneOf):
            default = {"default": strawberry.UNSET}  # such a field has no default value in the graph
        elif field.default is not msgspec.NODEFAULT:
            default = {"default": field.default}
        elif field.default_factory is not msgspec.NODEFAULT:
            default = {"default_factory": field.default_factory}
        elif type(None) in union_members(field.type):
            default = {"default": None}
        description = input_field_description(struct, field.name, field.type)
        body[field.name] = strawberry.field(description=description, **default)
    name = struct.__name__ if issubclass(struct, (Filter, Sorting)) else f"{struct.__name__}Input"
    new_class = types.new_class(name, (), {}, lambda namespace: namespace.update(body))
    input_type = strawberry.input(
        new_class, description=type_description(struct), one_of=issubclass(struct, OneOf) or None
    )
    definition: StrawberryObjectDefinition = input_type.__strawberry_definition__  # type: ignore[attr-defined]

    def to_struct(_: type, values: Any, __: InputContext) -> Any:
        return msgspec.convert(values, struct)

    definition.from_input = to_struct
    return input_type


def _type_name(kind: Any) -> str:
    """Return the GraphQL name of a struct; that of a generic one begins with its parameter (SiteConnection)."""
    arguments = typing.get_args(kind)
    if arguments:
        return f"{arguments[0].__name__}{typing.get_origin(kind).__name__}"
    return str(kind.__name__)
