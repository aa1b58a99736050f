"""Static cost of operations, before execution (GraphQL cost directives specification).

The cost is one number, the sum of the specification's type cost and field cost: the weight of each object in the
response (1 by default; 0 for leaves), and the `@cost` of each field and argument, as often as it may be executed. A
selection on a list is multiplied by the list's size: that of `@listSize`, else `ASSUMED_SIZE`.

The cost is an upper bound as far as sizes are: `@skip` and `@include` skip nothing, and an interface or a union costs
as much as its most expensive possible type. Fields are merged as in execution.
"""

from collections.abc import Iterator, Sequence
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
from gateway.execution.cost.expression import Expression, maximum, product, total
from gateway.execution.cost.input_cost import arguments_cost
from gateway.execution.cost.list_size import ASSUMED_SIZE, list_size
from gateway.execution.documents import CostFunction, Document


class _SizedFields(msgspec.Struct, frozen=True):
    """The size of the lists in `sizedFields` of the enclosing field's `@listSize`."""

    fields: Sequence[str]
    size: Expression


_NO_SIZED_FIELDS = _SizedFields((), 0)


def compile_cost(schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode) -> CostFunction:
    """Compile the cost of a valid operation, in time linear to its fields; a selection spread often counts once."""
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validation: the schema has operations of this type"
    cost = _CostCompiler(schema, document).selection(root, [operation.selection_set], _NO_SIZED_FIELDS)
    return (lambda _: cost) if isinstance(cost, int) else cost


class _CostCompiler:
    def __init__(self, schema: GraphQLSchema, document: Document) -> None:
        self._schema = schema
        self._fragments = document.fragments
        self._cache: dict[tuple[Any, ...], Expression] = {}

    def selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: _SizedFields) -> Expression:
        """Return the cost of selection sets on one object of a type, without its own weight."""
        if sized is not _NO_SIZED_FIELDS:
            return self._selection(kind, sets, sized)
        key = (kind.name, *map(id, sets))
        cost = self._cache.get(key)
        if cost is None:
            cost = self._cache[key] = self._selection(kind, sets, sized)
        return cost

    def _selection(self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], sized: _SizedFields) -> Expression:
        collected: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in sets:
            for node in self._collect_fields(kind, selection_set, visited):
                collected.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return total(self._field(kind, nodes, sized) for nodes in collected.values())

    def _collect_fields(
        self, kind: GraphQLObjectType, selection_set: SelectionSetNode, visited: set[str]
    ) -> Iterator[FieldNode]:
        for node in selection_set.selections:
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
        assert definition is not None, "validation: the field exists"
        own = total([weight_of(definition, 0), arguments_cost(definition, node)])
        directive = list_size_of(definition)
        size: Expression = sized.size if name in sized.fields else ASSUMED_SIZE
        below = _NO_SIZED_FIELDS
        if directive is not None:
            if directive.sized_fields:
                below = _SizedFields(directive.sized_fields, list_size(directive, definition, node))
            else:
                size = list_size(directive, definition, node)
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
    """Return the number of items in a value of a type. In lists of lists, the size is that of the outermost."""
    inner = get_nullable_type(kind)
    if not is_list_type(inner):
        return 1
    return product(size, _item_count(inner.of_type, ASSUMED_SIZE))
