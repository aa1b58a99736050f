"""What an operation costs, worked out before it is executed (GraphQL cost directives specification).

The cost is one number, the specification's type cost and field cost together: every object that may be answered counts
what its type weighs (1, if nothing else is said; leaves count nothing), and every field and argument with a `@cost` of
its own counts that, as often as it may be asked. What is asked of a list is asked of each item: `@listSize` says how
many there may be, else `ASSUMED_SIZE`.

It is an upper bound where it can be one: `@skip` and `@include` are taken to let everything in, and of an interface or
union the dearest possible type counts. Fields that are asked twice are merged, as they are when they are executed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from gateway.execution.cost.directives import list_size_of, weight_of
from gateway.execution.cost.expression import CoercedVariables, Expression, maximum, product, total
from gateway.execution.cost.input_cost import arguments_cost
from gateway.execution.cost.list_size import ASSUMED_SIZE, list_size
from gateway.execution.documents import Document

CostFunction = Callable[[CoercedVariables], int]


class _SizedFields(msgspec.Struct, frozen=True):
    """The size of those lists that a field has said it of for its value."""

    fields: Sequence[str]
    size: Expression


_NO_SIZED_FIELDS = _SizedFields((), 0)


def compile_cost(schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode) -> CostFunction:
    """What says the cost of a valid operation for its variables, coerced: a whole number of 0 or more.

    It takes as long as the operation has fields, of which selections that are spread often count once.
    """
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validation knows whether the schema has such operations"
    cost = _CostCompiler(schema, document).selection(root, [operation.selection_set], _NO_SIZED_FIELDS)
    return (lambda _: cost) if isinstance(cost, int) else cost


class _CostCompiler:
    def __init__(self, schema: GraphQLSchema, document: Document) -> None:
        self._schema = schema
        self._fragments = document.fragments
        self._cache: dict[tuple[Any, ...], Expression] = {}

    def selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: _SizedFields) -> Expression:
        """What is asked of one object of a type."""
        if sized is not _NO_SIZED_FIELDS:
            return self._selection(kind, sets, sized)
        key = (kind.name, *map(id, sets))
        known = self._cache.get(key)
        if known is None:
            known = self._cache[key] = self._selection(kind, sets, sized)
        return known

    def _selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: _SizedFields) -> Expression:
        collected: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for one in sets:
            for node in self._collect_fields(kind, one, visited):
                collected.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return total(self._field(kind, nodes, sized) for nodes in collected.values())

    def _collect_fields(self, kind: GraphQLObjectType, of: SelectionSetNode, visited: set[str]) -> Iterator[FieldNode]:
        for node in of.selections:
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode(type_condition=condition):
                    if condition is None or self._fragment_applies(kind, condition.name.value):
                        yield from self._collect_fields(kind, node.selection_set, visited)
                case FragmentSpreadNode(name=name) if name.value not in visited:
                    visited.add(name.value)
                    fragment = self._fragments[name.value]
                    if self._fragment_applies(kind, fragment.type_condition.name.value):
                        yield from self._collect_fields(kind, fragment.selection_set, visited)

    def _fragment_applies(self, kind: GraphQLObjectType, condition: str) -> bool:
        return any(one is kind for one in self._possible_types(self._schema.type_map[condition]))

    def _field(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode], sized: _SizedFields) -> Expression:
        node = nodes[0]
        name = node.name.value
        definition = self._schema.get_field(parent, name)
        assert definition is not None, "validation: fields are there"
        own = total([weight_of(definition, 0), arguments_cost(definition, node)])
        said = list_size_of(definition)
        size: Expression = sized.size if name in sized.fields else ASSUMED_SIZE
        below = _NO_SIZED_FIELDS
        if said is not None:
            if said.sized_fields:
                below = _SizedFields(said.sized_fields, list_size(said, definition, node))
            else:
                size = list_size(said, definition, node)
        item = self._item(definition.type, [one.selection_set for one in nodes if one.selection_set], below)
        return total([own, product(_item_count(definition.type, size), item)])

    def _item(self, kind: GraphQLOutputType, sets: Sequence[SelectionSetNode], sized: _SizedFields) -> Expression:
        named = get_named_type(kind)
        if is_leaf_type(named):
            return weight_of(named, 0)
        return maximum(
            total([weight_of(one, 1), self.selection(one, sets, sized)]) for one in self._possible_types(named)
        )

    def _possible_types(self, kind: Any) -> Sequence[GraphQLObjectType]:
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.get_possible_types(kind)
        return [kind]


def _item_count(kind: GraphQLOutputType, size: Expression) -> Expression:
    """How many items the lists have that a type consists of: of lists in lists, only the outermost says its size."""
    inner = get_nullable_type(kind)
    if not is_list_type(inner):
        return 1
    return product(size, _item_count(inner.of_type, ASSUMED_SIZE))
