"""Cost of argument values: weights of arguments, input fields and input types, for each item of a list."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

from gateway.execution.cost.directives import weight_of
from gateway.execution.cost.expression import Expression, total
from gateway.execution.cost.list_size import default_value

_Declared = GraphQLArgument | GraphQLInputField
_CostOfValue = Callable[[Any], int]
"""The cost of a coerced value."""
_WeightedFields = list[tuple[str, _CostOfValue]]
"""The fields of an input type with a cost, by their names in coerced values."""


def arguments_cost(definition: GraphQLField, node: FieldNode) -> Expression:
    """Return the cost of a field's arguments in an operation, defaults included."""
    given = {one.name.value: one.value for one in node.arguments or ()}
    return total(_argument_cost(given.get(name), declared) for name, declared in definition.args.items())


def _argument_cost(node: ValueNode | None, declared: _Declared) -> Expression:
    weight = _weight(declared)
    if node is not None and not isinstance(node, VariableNode):
        return _literal_cost(node, declared.type, weight)
    cost_of, default = _value_cost(declared.type, weight, {}), default_value(declared)
    if cost_of is None:
        return 0
    if node is None:
        return cost_of(default)
    variable = node.name.value
    return lambda values: cost_of(values.get(variable, default))


def _weight(declared: _Declared) -> int:
    """Return the weight of each value of an argument or an input field: its own, else that of its type."""
    kind = get_named_type(declared.type)
    return weight_of(declared, weight_of(kind, 1 if isinstance(kind, GraphQLInputObjectType) else 0))


def _literal_cost(node: ValueNode, kind: GraphQLInputType, weight: int) -> Expression:
    """Return the cost of a literal."""
    inner = get_nullable_type(kind)
    match node:
        case NullValueNode():
            return 0
        case VariableNode(name=name):
            variable, cost_of = name.value, _value_cost(kind, weight, {})
            return 0 if cost_of is None else lambda values: cost_of(values.get(variable))
        case ListValueNode() if isinstance(inner, GraphQLList):
            return total(_literal_cost(one, inner.of_type, weight) for one in node.values)
    named = get_named_type(kind)
    if isinstance(node, ObjectValueNode) and isinstance(named, GraphQLInputObjectType):
        given = {one.name.value: one.value for one in node.fields}
        return total([weight, *(_argument_cost(given.get(name), declared) for name, declared in named.fields.items())])
    return weight


def _value_cost(
    kind: GraphQLInputType, weight: int, visited: dict[GraphQLInputObjectType, _WeightedFields]
) -> _CostOfValue | None:
    """Return the function that computes the cost of a coerced value; None if every value costs 0."""
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        item_cost = _value_cost(inner.of_type, weight, visited)
        return (
            None
            if item_cost is None
            else lambda value: 0 if value is None else sum([item_cost(item) for item in value])
        )
    if not isinstance(inner, GraphQLInputObjectType):
        return None if weight == 0 else lambda value: 0 if value is None else weight
    fields = visited.get(inner)
    if fields is None:
        fields = visited[inner] = []  # before its fields are visited: a type may be recursive
        fields.extend(_weighted_fields(inner, visited))

    def cost_of(value: Mapping[str, Any] | None) -> int:
        return 0 if value is None else weight + sum([field_cost(value.get(name)) for name, field_cost in fields])

    return cost_of


def _weighted_fields(
    kind: GraphQLInputObjectType, visited: dict[GraphQLInputObjectType, _WeightedFields]
) -> Iterator[tuple[str, _CostOfValue]]:
    for name, field in kind.fields.items():
        cost_of = _value_cost(field.type, _weight(field), visited)
        if cost_of is not None:
            yield field.out_name or name, cost_of
