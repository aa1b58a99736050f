"""What the values of arguments cost: weights of arguments, input fields and input types, for each item of a list."""

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
"""Those fields of an input type that cost something."""


def arguments_cost(definition: GraphQLField, node: FieldNode) -> Expression:
    """What a field's arguments cost as it stands in an operation; a default is as good as a value that is given."""
    given = {one.name.value: one.value for one in node.arguments or ()}
    return total(_argument_cost(given.get(name), declared) for name, declared in definition.args.items())


def _argument_cost(node: ValueNode | None, declared: _Declared) -> Expression:
    weight = _weight(declared)
    if node is not None and not isinstance(node, VariableNode):
        return _literal_cost(node, declared.type, weight)
    weigh, default = _value_cost(declared.type, weight, {}), default_value(declared)
    if weigh is None:
        return 0
    if node is None:
        return weigh(default)
    variable = node.name.value
    return lambda values: weigh(values.get(variable, default))


def _weight(declared: _Declared) -> int:
    """The weight of each value that is given in a place: the place's own, else its type's."""
    kind = get_named_type(declared.type)
    return weight_of(declared, weight_of(kind, 1 if isinstance(kind, GraphQLInputObjectType) else 0))


def _literal_cost(node: ValueNode, kind: GraphQLInputType, weight: int) -> Expression:
    """What a value costs that is written in an operation."""
    inner = get_nullable_type(kind)
    match node:
        case NullValueNode():
            return 0
        case VariableNode(name=name):
            variable, weigh = name.value, _value_cost(kind, weight, {})
            return 0 if weigh is None else lambda values: weigh(values.get(variable))
        case ListValueNode() if isinstance(inner, GraphQLList):
            return total(_literal_cost(one, inner.of_type, weight) for one in node.values)
    named = get_named_type(kind)
    if isinstance(node, ObjectValueNode) and isinstance(named, GraphQLInputObjectType):
        given = {one.name.value: one.value for one in node.fields}
        return total([weight, *(_argument_cost(given.get(name), declared) for name, declared in named.fields.items())])
    return weight


def _value_cost(
    kind: GraphQLInputType, weight: int, known: dict[GraphQLInputObjectType, _WeightedFields]
) -> _CostOfValue | None:
    """What says the cost of a value; None where it costs nothing, whatever it is."""
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        each = _value_cost(inner.of_type, weight, known)
        return None if each is None else lambda value: 0 if value is None else sum([each(one) for one in value])
    if not isinstance(inner, GraphQLInputObjectType):
        return None if weight == 0 else lambda value: 0 if value is None else weight
    fields = known.get(inner)
    if fields is None:
        fields = known[inner] = []  # filled afterwards: a type may lead to itself
        fields.extend(_weighted_fields(inner, known))

    def weigh(value: Mapping[str, Any] | None) -> int:
        return 0 if value is None else weight + sum([of(value.get(name)) for name, of in fields])

    return weigh


def _weighted_fields(
    kind: GraphQLInputObjectType, known: dict[GraphQLInputObjectType, _WeightedFields]
) -> Iterator[tuple[str, _CostOfValue]]:
    for name, field in kind.fields.items():
        weigh = _value_cost(field.type, _weight(field), known)
        if weigh is not None:
            yield field.out_name or name, weigh
