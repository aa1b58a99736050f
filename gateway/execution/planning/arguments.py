"""Arguments of a step, coerced (specification, section 6.4.1): what does not change is coerced once, with the plan."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    is_non_null_type,
    is_required_argument,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

CoerceArguments = Callable[[VariableValues], dict[str, Any]]
"""The arguments by the names that the resolver has for them; raises GraphQLError where one is not valid."""


def compile_argument_coercion(
    definition: GraphQLField, node: FieldNode, names: Mapping[str, str] | None
) -> CoerceArguments:
    """The arguments of a field as it stands in an operation; called by ``names``, where there are any."""

    def exactly(variables: VariableValues) -> dict[str, Any]:
        values = get_argument_values(definition, node, variables)
        return values if names is None else {names[name]: value for name, value in values.items()}

    if not definition.args:
        return lambda _: {}
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    fixed: dict[str, Any] = {}
    passed: list[tuple[str, str, bool, Any]] = []
    for name, argument in definition.args.items():
        out = names[name] if names is not None else argument.out_name or name
        try:
            default = coerce_default_value(argument)
        except Exception:
            return exactly
        value = given.get(name)
        if value is None:
            if is_required_argument(argument) or is_mutable(default):
                return exactly
            if default is not Undefined:
                fixed[out] = default
        elif isinstance(value, VariableNode):
            if is_mutable(default) or (is_required_argument(argument) and default is not Undefined):
                return exactly
            passed.append((out, value.name.value, is_non_null_type(argument.type), default))
        else:
            coerced = Undefined if _has_variables(value) else coerce_input_literal(value, argument.type)
            if coerced is Undefined or is_mutable(coerced):
                return exactly
            fixed[out] = coerced

    def arguments(variables: VariableValues) -> dict[str, Any]:
        known = variables.coerced
        made = dict(fixed)
        for out, variable, never_null, default in passed:
            value = known.get(variable, Undefined)
            if value is Undefined:
                value = default
                if value is Undefined:
                    if never_null:
                        return exactly(variables)
                    continue
            if value is None and never_null:
                return exactly(variables)
            made[out] = value
        return made

    return arguments


def _has_variables(value: ValueNode) -> bool:
    match value:
        case VariableNode():
            return True
        case ListValueNode():
            return any(map(_has_variables, value.values))
        case ObjectValueNode():
            return any(_has_variables(field.value) for field in value.fields)
    return False


def is_mutable(value: Any) -> bool:
    """Whether a resolver could change the value, so that each call must have its own."""
    return isinstance(value, list | dict)
