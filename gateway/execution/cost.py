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

from gateway.execution.amounts import Amount, Values, largest, times, total
from gateway.execution.cost_directives import list_size_of, weight_of
from gateway.execution.documents import Document
from gateway.execution.input_cost import arguments_cost
from gateway.execution.slicing import ASSUMED_SIZE, size_of

Costing = Callable[[Values], int]


class _Sized(msgspec.Struct, frozen=True):
    """The size of those lists that a field has said it of for its value."""

    fields: Sequence[str]
    size: Amount


_NOTHING_SIZED = _Sized((), 0)


def costing(schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode) -> Costing:
    """What says the cost of a valid operation for its variables, coerced: a whole number of 0 or more.

    It takes as long as the operation has fields, of which selections that are spread often count once.
    """
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validation knows whether the schema has such operations"
    cost = _Costs(schema, document).selection(root, [operation.selection_set], _NOTHING_SIZED)
    return (lambda _: cost) if isinstance(cost, int) else cost


class _Costs:
    def __init__(self, schema: GraphQLSchema, document: Document) -> None:
        self._schema = schema
        self._fragments = document.fragments
        self._known: dict[tuple[Any, ...], Amount] = {}

    def selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: _Sized) -> Amount:
        """What is asked of one object of a type."""
        if sized is not _NOTHING_SIZED:
            return self._selection(kind, sets, sized)
        key = (kind.name, *map(id, sets))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._selection(kind, sets, sized)
        return known

    def _selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: _Sized) -> Amount:
        collected: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for one in sets:
            for node in self._collect(kind, one, visited):
                collected.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return total(self._field(kind, nodes, sized) for nodes in collected.values())

    def _collect(self, kind: GraphQLObjectType, of: SelectionSetNode, visited: set[str]) -> Iterator[FieldNode]:
        for node in of.selections:
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode(type_condition=condition):
                    if condition is None or self._applies(kind, condition.name.value):
                        yield from self._collect(kind, node.selection_set, visited)
                case FragmentSpreadNode(name=name) if name.value not in visited:
                    visited.add(name.value)
                    fragment = self._fragments[name.value]
                    if self._applies(kind, fragment.type_condition.name.value):
                        yield from self._collect(kind, fragment.selection_set, visited)

    def _applies(self, kind: GraphQLObjectType, condition: str) -> bool:
        return any(one is kind for one in self._possible(self._schema.type_map[condition]))

    def _field(self, parent: GraphQLObjectType, nodes: Sequence[FieldNode], sized: _Sized) -> Amount:
        node = nodes[0]
        name = node.name.value
        definition = self._schema.get_field(parent, name)
        assert definition is not None, "validation: fields are there"
        own = total([weight_of(definition, 0), arguments_cost(definition, node)])
        said = list_size_of(definition)
        size: Amount = sized.size if name in sized.fields else ASSUMED_SIZE
        below = _NOTHING_SIZED
        if said is not None:
            if said.sized_fields:
                below = _Sized(said.sized_fields, size_of(said, definition, node))
            else:
                size = size_of(said, definition, node)
        item = self._item(definition.type, [one.selection_set for one in nodes if one.selection_set], below)
        return total([own, times(_items(definition.type, size), item)])

    def _item(self, kind: GraphQLOutputType, sets: Sequence[SelectionSetNode], sized: _Sized) -> Amount:
        named = get_named_type(kind)
        if is_leaf_type(named):
            return weight_of(named, 0)
        return largest(total([weight_of(one, 1), self.selection(one, sets, sized)]) for one in self._possible(named))

    def _possible(self, kind: Any) -> Sequence[GraphQLObjectType]:
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.get_possible_types(kind)
        return [kind]


def _items(kind: GraphQLOutputType, size: Amount) -> Amount:
    """How many items the lists have that a type consists of: of lists in lists, only the outermost says its size."""
    inner = get_nullable_type(kind)
    if not is_list_type(inner):
        return 1
    return times(size, _items(inner.of_type, ASSUMED_SIZE))
