"""Planner: resolves what an operation selects on each type (specification, section 6.3)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from gateway.execution import compat
from gateway.execution.planning.arguments import compile_argument_coercion
from gateway.execution.planning.batch_resolver import BATCH_RESOLVER
from gateway.execution.planning.direct_resolver import argument_names, direct_resolver
from gateway.execution.planning.plan import Field, FieldKind, ObjectSelection, Plan
from gateway.execution.planning.selected_fields import collect_field_names

Conditions = Mapping[str, bool | None]
"""Values of the variables in ``@skip`` and ``@include``."""

MAX_PLANNED_FIELDS = 20_000
"""Fields of one operation, counted at each place and for each object type."""


class TooManyFields(GraphQLError):
    """An operation selects more fields than a plan may have. Nested fragments select many in a short text."""


class Planner:
    """Compiles the plan of an operation. ``has_middleware``: middleware or extensions wrap every resolver."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        conditions: Conditions,
        *,
        has_middleware: bool,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._conditions = conditions
        self._has_middleware = has_middleware
        declaration = compat.strawberry_schema(schema)
        self._info_class = declaration.config.info_class
        self._has_exception_handlers = bool(declaration.exception_handlers)
        self._size = 0
        self._fields = 0

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        """Return the plan of a valid operation; raise GraphQLError if a condition is null, else TooManyFields."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None, "validation: the schema has operations of this type"
        steps: list[Field] = []
        selection = self._selection(root, [operation.selection_set], steps)
        return Plan(operation, self._fragments, selection, steps, self._size, self._fields, _initial_data(selection))

    def _selection(
        self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], steps: list[Field]
    ) -> ObjectSelection:
        collected: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in sets:
            for node in self._collect_fields(kind, selection_set, visited):
                collected.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        fields = [field for key, nodes in collected.items() if (field := self._field(kind, key, nodes, steps))]
        return ObjectSelection(kind, fields)

    def _collect_fields(
        self, kind: GraphQLObjectType, selection_set: SelectionSetNode, visited: set[str]
    ) -> Iterator[FieldNode]:
        """Yield the fields of a selection set that apply to an object type (specification, section 6.3.2)."""
        for node in selection_set.selections:
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
        field = Field(key, nodes, parent, definition, _field_kind(name, definition, self._has_middleware))
        declared = definition.extensions.get(compat.strawberry_definition)
        if field.kind is FieldKind.ATTRIBUTE:
            assert declared is not None, "attributes are declared with Strawberry"
            field.attribute = declared.python_name
        below = steps
        if field.kind in (FieldKind.RESOLVER, FieldKind.BATCH):
            field.index, self._size = self._size, self._size + 1
            field.slot = f"_step_{field.index}"
            names = None
            if declared is not None and not self._has_middleware:
                names = argument_names(definition, declared)
                field.converts_arguments = names is None
                if field.kind is FieldKind.RESOLVER and names is not None:
                    field.direct_resolver = direct_resolver(
                        declared, self._info_class, has_exception_handlers=self._has_exception_handlers
                    )
                    names = None if field.direct_resolver is None else names
            field.arguments = compile_argument_coercion(definition, nodes[0], names)
            steps.append(field)
            below = field.steps
            if field.kind is FieldKind.BATCH:
                assert declared is not None, "batches are declared with Strawberry"
                field.batch = declared.metadata[BATCH_RESOLVER]
                field.selected_names = sorted(collect_field_names(nodes, self._fragments))
        sets = [node.selection_set for node in nodes if node.selection_set]
        if sets:
            field.selections = {
                kind.name: self._selection(kind, sets, below) for kind in self._possible_types(definition.type)
            }
        return field

    def _possible_types(self, kind: GraphQLOutputType) -> Iterable[GraphQLObjectType]:
        named = get_named_type(kind)
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.get_possible_types(named)
        assert isinstance(named, GraphQLObjectType), "validation: leaves have no selections"
        return [named]


def _initial_data(root: ObjectSelection) -> dict[str, Any] | None:
    if any(field.kind is FieldKind.ATTRIBUTE for field in root.fields):
        return None
    return {field.key: root.type.name if field.kind is FieldKind.TYPENAME else None for field in root.fields}


def _field_kind(name: str, definition: GraphQLField, has_middleware: bool) -> FieldKind:
    if has_middleware:
        return FieldKind.RESOLVER
    if name == "__typename":
        return FieldKind.TYPENAME
    declared = definition.extensions.get(compat.strawberry_definition)
    if declared is None:
        return FieldKind.RESOLVER
    if compat.reads_attribute(definition.resolve) and declared.is_basic_field:
        return FieldKind.ATTRIBUTE
    if BATCH_RESOLVER in declared.metadata and not declared.extensions:
        return FieldKind.BATCH
    return FieldKind.RESOLVER


def _condition_holds(directive: DirectiveNode, conditions: Conditions) -> bool:
    name = directive.name.value
    if name not in ("skip", "include"):
        return True
    (argument,) = directive.arguments or ()
    match argument.value:
        case BooleanValueNode(value=value):
            holds: bool | None = value
        case VariableNode(name=variable):
            holds = conditions[variable.value]
            if holds is None:  # validation allows a nullable variable that has a default
                raise GraphQLError(
                    f"Argument 'if' has invalid value: Expected variable '${variable.value}' provided to non-null type"
                    " 'Boolean!' not to be None.",
                    argument.value,
                )
        case _:
            raise TypeError("validation: `if` is a boolean or a variable")
    return holds is (name == "include")
