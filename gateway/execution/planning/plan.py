"""Plans: an operation's selections, resolved once and executed many times.

A field of a plan is an attribute of its parent, which completion of the parent reads, or a step: a resolver or a batch
that is called for all parents of its level.
"""

import enum
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    is_leaf_type,
)

from gateway.execution.planning.arguments import CoerceArguments
from gateway.execution.planning.batch_resolver import BatchResolver
from gateway.execution.planning.direct_resolver import DirectResolver

AwaitBatch = Callable[[Sequence[Any]], Awaitable[Iterable[Any]]]
"""Awaits several values; returns their results, with an exception in the place of a failure."""
ResolverCall = Callable[[Any, list[Any], Any], Any]
"""(execution state, parents, container of the first) -> the resolver's value; raises the resolver's exceptions."""


class FieldKind(enum.Enum):
    """The source of a field's value."""

    ATTRIBUTE = enum.auto()
    TYPENAME = enum.auto()
    RESOLVER = enum.auto()
    BATCH = enum.auto()


class Projection(msgspec.Struct, frozen=True, eq=False):
    """The projection of a step: the decoding of a service's JSON straight into the step's part of the response."""

    type: Any
    """The type that the JSON is decoded as."""
    decode: Callable[[Any], Any]
    """Returns the part of the response; raises msgspec's errors."""
    enqueue_children: Callable[[Any, Any], None] | None
    """(values, execution state): enqueues the steps below for the structs in the values."""
    selection: bytes
    """The selection that the service may restrict its answer to; empty if it can't be restricted."""
    partial_type: Any
    """The type that a restricted answer is decoded as."""
    decode_partial: Callable[[Any], Any]
    """Decodes a restricted answer."""


class AwaitStrategy(msgspec.Struct, frozen=True):
    """The way to await values of a class."""

    kind: type
    """The class of the values."""
    await_batch: AwaitBatch | None
    """Awaits several of them in one call, if the class can."""
    accepts_selection: bool
    """Whether they take the selection (`select_fields`) before they are awaited."""


_UNKNOWN_STRATEGY = AwaitStrategy(object, None, False)


@dataclass(eq=False, slots=True)
class Field:
    """One response key of one object type."""

    key: str
    nodes: list[FieldNode]
    parent: GraphQLObjectType
    definition: GraphQLField
    kind: FieldKind
    attribute: str = ""
    """The Python name of an attribute."""
    batch: BatchResolver | None = None
    selected_names: list[str] = field(default_factory=list)
    """The names of the fields selected below a batch."""
    index: int = -1
    """The number of a step in its plan."""
    slot: str = ""
    """The attribute for a step's value in a projected struct of its parent."""
    selections: "dict[str, ObjectSelection]" = field(default_factory=dict)
    """The selection on the value, by the name of its object type."""
    steps: "list[Field]" = field(default_factory=list)
    """The steps that completion of a step's value leads to."""
    projections: dict[Any, Projection | str] = field(default_factory=dict)
    """By declared type: the projection of a step's JSON, or the reason that there is none."""
    last_projected_type: Any = None
    """The key of ``projections`` that was looked up last."""
    last_projection: Projection | str = ""
    """Its value."""
    level_decoders: dict[Any, Any] = field(default_factory=dict)
    """The decoders of levels in which this step comes first."""
    await_strategy: AwaitStrategy = _UNKNOWN_STRATEGY
    """The strategy for the class of the step's last value."""
    direct_resolver: DirectResolver | None = None
    """The resolver without Strawberry's wrapper, where the wrapper does nothing."""
    memo: dict[Hashable, Any] = field(default_factory=dict)
    """Results that resolvers derive from the selection alone, for all executions of the plan."""
    converts_arguments: bool = False
    """Whether Strawberry converts the coerced arguments of a batch."""
    location_error: GraphQLError | None = None
    """An error with the field's locations in the text, which takes long to compute."""
    resolver_call: ResolverCall = field(init=False)
    """Calls a step's resolver with one parent, or its batch with all parents of a level."""
    complete: Callable[[Any, Any], Any] = field(init=False)
    """The compiled completion of a step's value."""
    arguments: CoerceArguments = field(init=False)
    """Coerces a step's arguments for the variables of a request."""

    @property
    def type(self) -> GraphQLOutputType:
        return self.definition.type

    def set_values(self, containers: Sequence[Any], values: Sequence[Any]) -> None:
        """Set a step's values in the containers, one each. One selection made the containers: all are of one class."""
        if type(containers[0]) is dict:
            key = self.key
            for container, value in zip(containers, values, strict=True):
                container[key] = value
        else:
            deque(map(setattr, containers, repeat(self.slot), values), maxlen=0)  # a loop without bytecode per value


@dataclass(eq=False)
class ObjectSelection:
    """The selected fields of one object type at one place, in the order of the response."""

    type: GraphQLObjectType
    fields: list[Field]


@dataclass(eq=False)
class Plan:
    """The plan of one operation."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    root: ObjectSelection
    steps: list[Field]
    """The steps at the root."""
    size: int
    """The number of all steps."""
    fields: int
    """The number of all fields."""
    initial_data: dict[str, Any] | None
    """The response's data before any step; None if attributes of the root value have to be read for it."""

    def __post_init__(self) -> None:
        self.no_parents: list[tuple[()]] = [()] * self.size
        """By step: the parents before execution."""
        self._nested_fields: dict[tuple[Field, ...], list[NestedField]] = {}

    def all_steps(self) -> Iterator[Field]:
        """Yield the steps of the root and those below them."""
        waiting = list(self.steps)
        while waiting:
            step = waiting.pop()
            yield step
            waiting += step.steps

    def nested_fields(self, fields: tuple[Field, ...]) -> "list[NestedField]":
        """Return the lists and objects in a value of these fields: one field for each type that it may be of."""
        if fields not in self._nested_fields:
            selections = (selection for field in fields for selection in field.selections.values())
            self._nested_fields[fields] = _nested_fields(field for one in selections for field in one.fields)
        return self._nested_fields[fields]

    @cached_property
    def root_nested_fields(self) -> "list[NestedField]":
        """The lists and objects at the root of the response."""
        return _nested_fields(self.root.fields)

    @cached_property
    def serial(self) -> bool:
        """Whether the steps at the root run in series (specification, section 6.2.2)."""
        return self.operation.operation is OperationType.MUTATION


NestedField = tuple[str, GraphQLOutputType, tuple[Field, ...]]
"""A key, the type of its value, and the fields that the value may belong to."""


def _nested_fields(fields: Iterable[Field]) -> list[NestedField]:
    """Return the attributes whose values are lists or objects. Values of steps are added once they are complete."""
    by_key: dict[str, list[Field]] = {}
    for plan_field in fields:
        if plan_field.kind is FieldKind.ATTRIBUTE and has_nested_values(plan_field.type):
            by_key.setdefault(plan_field.key, []).append(plan_field)
    # In a valid operation all fields of a key have the same list and null wrappers.
    return [(key, same_key[0].type, tuple(same_key)) for key, same_key in by_key.items()]


def unwrap_non_null(kind: GraphQLOutputType) -> tuple[bool, Any]:
    """Return whether a type is nullable, and the type without its non-null wrapper."""
    return (False, kind.of_type) if isinstance(kind, GraphQLNonNull) else (True, kind)


def has_nested_values(kind: GraphQLOutputType) -> bool:
    """Return whether values of a type are lists or objects."""
    return not is_leaf_type(unwrap_non_null(kind)[1])


def item_type(kind: GraphQLList[Any]) -> GraphQLOutputType:
    """Return the type of a list's items."""
    of_type: GraphQLOutputType = kind.of_type
    return of_type
