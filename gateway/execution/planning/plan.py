"""A plan: what one operation asks for, worked out once and executed many times.

A plan is a tree of selections. A field is *plain* (its value is an attribute of its parent, read while the parent is
completed) or a *step* (a resolver or a batch has to be asked, for all parents of the level together).
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
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

from gateway.execution.planning.arguments import CoerceArguments, compile_argument_coercion
from gateway.execution.planning.batch_resolver import BATCH_RESOLVER, BatchResolver
from gateway.execution.planning.direct_resolver import DirectResolver, argument_names, direct_resolver
from gateway.execution.planning.selected_fields import collect_field_names

Conditions = Mapping[str, bool | None]
"""The values of the variables that ``@skip`` and ``@include`` look at."""
AwaitBatch = Callable[[Sequence[Any]], Awaitable[Iterable[Any]]]
"""Awaits several values: what each gives, or an exception in its place."""
ResolverCall = Callable[[Any, list[Any], Any], Any]
"""(run, parents, the first of their containers) -> what the resolver gives; raises what it raises."""

MAX_PLANNED_FIELDS = 20_000
"""Of one operation, each counted at each place and for each type that it is asked of."""


class FieldKind(enum.Enum):
    """How a field comes by its value."""

    ATTRIBUTE = enum.auto()
    TYPENAME = enum.auto()
    RESOLVER = enum.auto()
    BATCH = enum.auto()


class Projection(msgspec.Struct, frozen=True, eq=False):
    """The projection of a step: how a service's JSON is decoded straight into the step's part of the response."""

    type: Any
    """The type that the JSON is decoded as."""
    decode: Callable[[Any], Any]
    """Returns the part of the response; raises msgspec's errors."""
    enqueue_children: Callable[[Any, Any], None] | None
    """Called with the values and the execution: enqueues the steps below for the structs that wait for them."""
    selection: bytes
    """The fields that the service may be told to send alone; empty if it can't be."""
    partial_type: Any
    """The type that such an answer is decoded as."""
    decode_partial: Callable[[Any], Any]


class AwaitStrategy(msgspec.Struct, frozen=True):
    """How values of a class are awaited: ``together``, if several can be; ``picks``: they can be told what is read."""

    kind: type
    await_batch: AwaitBatch | None
    accepts_selection: bool


_UNKNOWN_STRATEGY = AwaitStrategy(object, None, False)


@dataclass(eq=False, slots=True)
class Field:
    """One response key of one object type.

    ``index`` numbers the steps of a plan; ``slot`` is what a step's value is called in a struct of its parent;
    ``steps`` are those that completing its value leads to; ``selections`` are what is asked of the value, by the name
    of its object type; ``complete`` is a step's compiled code, and ``arguments`` its arguments for the variables of a
    request. ``call`` is the resolver, where Strawberry has nothing to do around it; ``converts``: its arguments are
    Strawberry's to convert. ``once`` calls it, or the batch, with all the parents of a level: one, if it is no batch.
    ``way`` is how the value that was given last is awaited. ``pushed`` says, by declared type, how JSON is read in its
    place, ``pushed_last`` how that of ``pushed_kind`` was, and ``takes`` what takes that of this step and others in one
    go. ``memo`` keeps what resolvers work out of the selection. ``place`` is an error that stands where the field does
    in the text.
    """

    key: str
    nodes: list[FieldNode]
    parent: GraphQLObjectType
    definition: GraphQLField
    kind: FieldKind
    attribute: str = ""
    batch: BatchResolver | None = None
    selected_names: list[str] = field(default_factory=list)
    index: int = -1
    slot: str = ""
    selections: "dict[str, ObjectSelection]" = field(default_factory=dict)
    steps: "list[Field]" = field(default_factory=list)
    projections: dict[Any, Projection | str] = field(default_factory=dict)
    last_projected_type: Any = None
    last_projection: Projection | str = ""
    level_decoders: dict[Any, Any] = field(default_factory=dict)
    await_strategy: AwaitStrategy = _UNKNOWN_STRATEGY
    direct_resolver: DirectResolver | None = None
    memo: dict[Hashable, Any] = field(default_factory=dict)
    converts_arguments: bool = False
    place: GraphQLError | None = None
    resolver_call: ResolverCall = field(init=False)
    complete: Callable[[Any, Any], Any] = field(init=False)
    arguments: CoerceArguments = field(init=False)

    @property
    def type(self) -> GraphQLOutputType:
        return self.definition.type

    def set_values(self, containers: Sequence[Any], values: Sequence[Any]) -> None:
        """Put a step's values into the containers, one each: all are of one kind, made by one selection."""
        if type(containers[0]) is dict:
            key = self.key
            for container, value in zip(containers, values, strict=True):
                container[key] = value
        else:
            deque(map(setattr, containers, repeat(self.slot), values), maxlen=0)  # a loop without a step of Python each


@dataclass(eq=False)
class ObjectSelection:
    """What is asked of one object type at one place: its fields, in the order of the answer."""

    type: GraphQLObjectType
    fields: list[Field]


@dataclass(eq=False)
class Plan:
    """One operation. ``steps`` are those of the root, ``size`` how many there are in all, ``fields`` of every kind.

    ``blank`` is the answer before anything was asked, where nothing in it has to be read from the root value.
    """

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    root: ObjectSelection
    steps: list[Field]
    size: int
    fields: int
    initial_data: dict[str, Any] | None

    def __post_init__(self) -> None:
        self.no_parents: list[tuple[()]] = [()] * self.size
        """By step, what waits for it before anything was asked."""
        self._nested_fields: dict[tuple[Field, ...], list[NestedField]] = {}

    def all_steps(self) -> Iterator[Field]:
        """The steps of the root, and those below them."""
        waiting = list(self.steps)
        while waiting:
            step = waiting.pop()
            yield step
            waiting += step.steps

    def nested_fields(self, fields: tuple[Field, ...]) -> "list[NestedField]":
        """Return the lists and objects in a value of these fields: one field for each type that it may be of."""
        if fields not in self._nested_fields:
            below = (selection for one in fields for selection in one.selections.values())
            self._nested_fields[fields] = _nested_fields(one for selection in below for one in selection.fields)
        return self._nested_fields[fields]

    @cached_property
    def root_nested_fields(self) -> "list[NestedField]":
        """Return those of the whole answer."""
        return _nested_fields(self.root.fields)

    @cached_property
    def serial(self) -> bool:
        """Whether its steps are taken one after the other."""
        return self.operation.operation is OperationType.MUTATION


NestedField = tuple[str, GraphQLOutputType, tuple[Field, ...]]
"""A key, the type of what stands there, and the fields that it may be the value of."""


def _nested_fields(fields: Iterable[Field]) -> list[NestedField]:
    """Return the fields, but for steps, whose values have parts themselves; values of steps come later."""
    by_key: dict[str, list[Field]] = {}
    for one in fields:
        if one.kind is FieldKind.ATTRIBUTE and has_nested_values(one.type):
            by_key.setdefault(one.key, []).append(one)
    # In a valid operation those of one key are lists alike, and null alike.
    return [(key, found[0].type, tuple(found)) for key, found in by_key.items()]


class TooManyFields(GraphQLError):
    """An operation selects more fields than a plan may have: fragments in fragments are short, and mean many."""


class Planner:
    """Makes the plan of an operation. ``hooked`` says whether something wraps every field of the schema."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        switches: Conditions,
        *,
        hooked: bool,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._conditions = switches
        self._has_middleware = hooked
        converter = schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
        self._info_class = converter.config.info_class
        self._has_exception_handlers = bool(converter._exception_handler_specs)
        self._size = 0
        self._fields = 0

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        """The plan of a valid operation; GraphQLError if a switch is null, or (TooManyFields) it would be too large."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None, "validation knows whether the schema has such operations"
        steps: list[Field] = []
        selection = self._selection(root, [operation.selection_set], steps)
        return Plan(operation, self._fragments, selection, steps, self._size, self._fields, _initial_data(selection))

    def _selection(
        self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], steps: list[Field]
    ) -> ObjectSelection:
        collected: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for one in sets:
            for node in self._collect_fields(kind, one, visited):
                collected.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        fields = [made for key, nodes in collected.items() if (made := self._field(kind, key, nodes, steps))]
        return ObjectSelection(kind, fields)

    def _collect_fields(self, kind: GraphQLObjectType, of: SelectionSetNode, visited: set[str]) -> Iterator[FieldNode]:
        """The fields of a selection set that apply to an object type (specification, section 6.3.2)."""
        for node in of.selections:
            if not self._included(node):
                continue
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode(type_condition=condition):
                    if condition is None or self._fragment_applies(kind, condition.name.value):
                        yield from self._collect_fields(kind, node.selection_set, visited)
                case FragmentSpreadNode():
                    name = node.name.value
                    fragment = self._fragments.get(name)
                    if name in visited or fragment is None:
                        continue
                    visited.add(name)
                    if self._fragment_applies(kind, fragment.type_condition.name.value):
                        yield from self._collect_fields(kind, fragment.selection_set, visited)

    def _included(self, node: SelectionNode) -> bool:
        return all(_condition_holds(directive, self._conditions) for directive in node.directives or ())

    def _fragment_applies(self, kind: GraphQLObjectType, condition: str) -> bool:
        named = self._schema.get_type(condition)
        return named is kind or (
            isinstance(named, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(named, kind)
        )

    def _field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], steps: list[Field]) -> Field | None:
        name = nodes[0].name.value
        definition = self._schema.get_field(parent, name)
        if definition is None:
            return None
        self._fields += 1
        if self._fields > MAX_PLANNED_FIELDS:
            raise TooManyFields(f"The operation selects more than {MAX_PLANNED_FIELDS} fields.")
        made = Field(key, nodes, parent, definition, _field_kind(name, definition, self._has_middleware))
        declared = definition.extensions.get("strawberry-definition")
        if made.kind is FieldKind.ATTRIBUTE:
            assert declared is not None, "plain fields are Strawberry's"
            made.attribute = declared.python_name
        below = steps
        if made.kind in (FieldKind.RESOLVER, FieldKind.BATCH):
            made.index, self._size = self._size, self._size + 1
            made.slot = f"_step_{made.index}"
            names = None
            if declared is not None and not self._has_middleware:
                names = argument_names(definition, declared)
                made.converts_arguments = names is None
                if made.kind is FieldKind.RESOLVER and names is not None:
                    made.direct_resolver = direct_resolver(
                        declared, self._info_class, handlers=self._has_exception_handlers
                    )
                    names = None if made.direct_resolver is None else names
            made.arguments = compile_argument_coercion(definition, nodes[0], names)
            steps.append(made)
            below = made.steps
            if made.kind is FieldKind.BATCH:
                assert declared is not None, "batches are Strawberry's"
                made.batch = declared.metadata[BATCH_RESOLVER]
                made.selected_names = sorted(collect_field_names(nodes, self._fragments))
        sets = [node.selection_set for node in nodes if node.selection_set]
        if sets:
            made.selections = {
                kind.name: self._selection(kind, sets, below) for kind in self._possible_types(definition.type)
            }
        return made

    def _possible_types(self, kind: GraphQLOutputType) -> Iterable[GraphQLObjectType]:
        named = get_named_type(kind)
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.get_possible_types(named)
        assert isinstance(named, GraphQLObjectType), "validation: leaves have no selections"
        return [named]


def _initial_data(root: ObjectSelection) -> dict[str, Any] | None:
    if any(one.kind is FieldKind.ATTRIBUTE for one in root.fields):
        return None
    return {one.key: root.type.name if one.kind is FieldKind.TYPENAME else None for one in root.fields}


def _field_kind(name: str, definition: GraphQLField, hooked: bool) -> FieldKind:
    if hooked:
        return FieldKind.RESOLVER
    if name == "__typename":
        return FieldKind.TYPENAME
    declared = definition.extensions.get("strawberry-definition")
    if declared is None:
        return FieldKind.RESOLVER
    if getattr(definition.resolve, "_is_default", False) and declared.is_basic_field:
        return FieldKind.ATTRIBUTE
    if BATCH_RESOLVER in declared.metadata and not declared.extensions:
        return FieldKind.BATCH
    return FieldKind.RESOLVER


def _condition_holds(directive: DirectiveNode, switches: Conditions) -> bool:
    name = directive.name.value
    if name not in ("skip", "include"):
        return True
    (argument,) = directive.arguments or ()
    match argument.value:
        case BooleanValueNode(value=value):
            on: bool | None = value
        case VariableNode(name=variable):
            on = switches[variable.value]
            if on is None:  # its default lets validation allow a variable that may be null
                raise GraphQLError(
                    f"Argument 'if' has invalid value: Expected variable '${variable.value}' provided to non-null type"
                    " 'Boolean!' not to be None.",
                    argument.value,
                )
        case _:
            raise TypeError("validation: `if` is a boolean or a variable")
    return on is (name == "include")


def unwrap_non_null(kind: GraphQLOutputType) -> tuple[bool, Any]:
    """Whether a type may be null, and the type without that."""
    return (False, kind.of_type) if isinstance(kind, GraphQLNonNull) else (True, kind)


def has_nested_values(kind: GraphQLOutputType) -> bool:
    """Tell whether values of a type are lists or objects."""
    return not is_leaf_type(unwrap_non_null(kind)[1])


def item_type(kind: GraphQLList[Any]) -> GraphQLOutputType:
    """The type of a list's items."""
    of_type: GraphQLOutputType = kind.of_type
    return of_type
