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

from gateway.execution.arguments import Arguments, compiled
from gateway.execution.batch import BATCH, Batch
from gateway.execution.selection import selected
from gateway.execution.strawberry_fields import Call, argument_names, call_of

Switches = Mapping[str, bool | None]
"""The values of the variables that ``@skip`` and ``@include`` look at."""
Together = Callable[[Sequence[Any]], Awaitable[Iterable[Any]]]
"""Awaits several values: what each gives, or an exception in its place."""
Once = Callable[[Any, list[Any], Any], Any]
"""(run, parents, the first of their containers) -> what the resolver gives; raises what it raises."""

MOST_FIELDS = 20_000
"""Of one operation, each counted at each place and for each type that it is asked of."""


class Kind(enum.Enum):
    """How a field comes by its value."""

    PLAIN = enum.auto()
    TYPENAME = enum.auto()
    CALL = enum.auto()
    BATCH = enum.auto()


class Way(msgspec.Struct, frozen=True):
    """How values of a class are awaited: ``together``, if several can be; ``picks``: they can be told what is read."""

    kind: type
    together: Together | None
    picks: bool


_NO_WAY = Way(object, None, False)


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
    kind: Kind
    attribute: str = ""
    batch: Batch | None = None
    wanted: list[str] = field(default_factory=list)
    index: int = -1
    slot: str = ""
    selections: "dict[str, Selection]" = field(default_factory=dict)
    steps: "list[Field]" = field(default_factory=list)
    pushed: dict[Any, Any] = field(default_factory=dict)
    pushed_kind: Any = None
    pushed_last: Any = None
    takes: dict[Any, Any] = field(default_factory=dict)
    way: Way = _NO_WAY
    call: Call | None = None
    memo: dict[Hashable, Any] = field(default_factory=dict)
    converts: bool = False
    place: GraphQLError | None = None
    once: Once = field(init=False)
    complete: Callable[[Any, Any], Any] = field(init=False)
    arguments: Arguments = field(init=False)

    @property
    def type(self) -> GraphQLOutputType:
        return self.definition.type

    def put_all(self, containers: Sequence[Any], values: Sequence[Any]) -> None:
        """Put a step's values into the containers, one each: all are of one kind, made by one selection."""
        if type(containers[0]) is dict:
            key = self.key
            for container, value in zip(containers, values, strict=True):
                container[key] = value
        else:
            deque(map(setattr, containers, repeat(self.slot), values), maxlen=0)  # a loop without a step of Python each


@dataclass(eq=False)
class Selection:
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
    root: Selection
    steps: list[Field]
    size: int
    fields: int
    blank: dict[str, Any] | None

    def __post_init__(self) -> None:
        self.nobody: list[tuple[()]] = [()] * self.size
        """By step, what waits for it before anything was asked."""
        self._parts: dict[tuple[Field, ...], list[Part]] = {}

    def every_step(self) -> Iterator[Field]:
        """The steps of the root, and those below them."""
        waiting = list(self.steps)
        while waiting:
            step = waiting.pop()
            yield step
            waiting += step.steps

    def parts(self, fields: tuple[Field, ...]) -> "list[Part]":
        """Return the lists and objects in a value of these fields: one field for each type that it may be of."""
        if fields not in self._parts:
            below = (selection for one in fields for selection in one.selections.values())
            self._parts[fields] = _parts(one for selection in below for one in selection.fields)
        return self._parts[fields]

    @cached_property
    def parts_of_root(self) -> "list[Part]":
        """Return those of the whole answer."""
        return _parts(self.root.fields)

    @cached_property
    def serial(self) -> bool:
        """Whether its steps are taken one after the other."""
        return self.operation.operation is OperationType.MUTATION


Part = tuple[str, GraphQLOutputType, tuple[Field, ...]]
"""A key, the type of what stands there, and the fields that it may be the value of."""


def _parts(fields: Iterable[Field]) -> list[Part]:
    """Return the fields, but for steps, whose values have parts themselves; values of steps come later."""
    by_key: dict[str, list[Field]] = {}
    for one in fields:
        if one.kind is Kind.PLAIN and has_parts(one.type):
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
        switches: Switches,
        *,
        hooked: bool,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._switches = switches
        self._hooked = hooked
        converter = schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
        self._info_class = converter.config.info_class
        self._handlers = bool(converter._exception_handler_specs)
        self._size = 0
        self._fields = 0

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        """The plan of a valid operation; GraphQLError if a switch is null, or (TooManyFields) it would be too large."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None, "validation knows whether the schema has such operations"
        steps: list[Field] = []
        selection = self._selection(root, [operation.selection_set], steps)
        return Plan(operation, self._fragments, selection, steps, self._size, self._fields, _blank(selection))

    def _selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], steps: list[Field]) -> Selection:
        collected: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for one in sets:
            for node in self._collect(kind, one, visited):
                collected.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        fields = [made for key, nodes in collected.items() if (made := self._field(kind, key, nodes, steps))]
        return Selection(kind, fields)

    def _collect(self, kind: GraphQLObjectType, of: SelectionSetNode, visited: set[str]) -> Iterator[FieldNode]:
        """The fields of a selection set that apply to an object type (specification, section 6.3.2)."""
        for node in of.selections:
            if not self._included(node):
                continue
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode(type_condition=condition):
                    if condition is None or self._applies(kind, condition.name.value):
                        yield from self._collect(kind, node.selection_set, visited)
                case FragmentSpreadNode():
                    name = node.name.value
                    fragment = self._fragments.get(name)
                    if name in visited or fragment is None:
                        continue
                    visited.add(name)
                    if self._applies(kind, fragment.type_condition.name.value):
                        yield from self._collect(kind, fragment.selection_set, visited)

    def _included(self, node: SelectionNode) -> bool:
        return all(_holds(directive, self._switches) for directive in node.directives or ())

    def _applies(self, kind: GraphQLObjectType, condition: str) -> bool:
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
        if self._fields > MOST_FIELDS:
            raise TooManyFields(f"The operation selects more than {MOST_FIELDS} fields.")
        made = Field(key, nodes, parent, definition, _kind(name, definition, self._hooked))
        declared = definition.extensions.get("strawberry-definition")
        if made.kind is Kind.PLAIN:
            assert declared is not None, "plain fields are Strawberry's"
            made.attribute = declared.python_name
        below = steps
        if made.kind in (Kind.CALL, Kind.BATCH):
            made.index, self._size = self._size, self._size + 1
            made.slot = f"_step_{made.index}"
            names = None
            if declared is not None and not self._hooked:
                names = argument_names(definition, declared)
                made.converts = names is None
                if made.kind is Kind.CALL and names is not None:
                    made.call = call_of(declared, self._info_class, handlers=self._handlers)
                    names = None if made.call is None else names
            made.arguments = compiled(definition, nodes[0], names)
            steps.append(made)
            below = made.steps
            if made.kind is Kind.BATCH:
                assert declared is not None, "batches are Strawberry's"
                made.batch = declared.metadata[BATCH]
                made.wanted = sorted(selected(nodes, self._fragments))
        sets = [node.selection_set for node in nodes if node.selection_set]
        if sets:
            made.selections = {
                kind.name: self._selection(kind, sets, below) for kind in self._possible(definition.type)
            }
        return made

    def _possible(self, kind: GraphQLOutputType) -> Iterable[GraphQLObjectType]:
        named = get_named_type(kind)
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.get_possible_types(named)
        assert isinstance(named, GraphQLObjectType), "validation: leaves have no selections"
        return [named]


def _blank(root: Selection) -> dict[str, Any] | None:
    if any(one.kind is Kind.PLAIN for one in root.fields):
        return None
    return {one.key: root.type.name if one.kind is Kind.TYPENAME else None for one in root.fields}


def _kind(name: str, definition: GraphQLField, hooked: bool) -> Kind:
    if hooked:
        return Kind.CALL
    if name == "__typename":
        return Kind.TYPENAME
    declared = definition.extensions.get("strawberry-definition")
    if declared is None:
        return Kind.CALL
    if getattr(definition.resolve, "_is_default", False) and declared.is_basic_field:
        return Kind.PLAIN
    if BATCH in declared.metadata and not declared.extensions:
        return Kind.BATCH
    return Kind.CALL


def _holds(directive: DirectiveNode, switches: Switches) -> bool:
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


def unwrapped(kind: GraphQLOutputType) -> tuple[bool, Any]:
    """Whether a type may be null, and the type without that."""
    return (False, kind.of_type) if isinstance(kind, GraphQLNonNull) else (True, kind)


def has_parts(kind: GraphQLOutputType) -> bool:
    """Tell whether values of a type are lists or objects."""
    return not is_leaf_type(unwrapped(kind)[1])


def item_of(kind: GraphQLList[Any]) -> GraphQLOutputType:
    """The type of a list's items."""
    of_type: GraphQLOutputType = kind.of_type
    return of_type
