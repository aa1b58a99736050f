"""Coercion of a step's arguments (specification, section 6.4.1). Literals and defaults are coerced with the plan."""

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
from graphql.execution import VariableValues, get_argument_values
from graphql.utilities import coerce_input_literal

from gateway.execution.compat import coerce_default_value

CoerceArguments = Callable[[VariableValues], dict[str, Any]]
"""Returns the arguments by the names of the resolver's parameters; raises GraphQLError if one is not valid."""


def compile_argument_coercion(
    definition: GraphQLField, node: FieldNode, names: Mapping[str, str] | None
) -> CoerceArguments:
    """Compile the coercion of a field's arguments; ``names`` are the resolver's parameters by argument, if they differ.

    graphql-core coerces, on each call, the arguments that the compiled code can't.
    """

    def coerce_slowly(variables: VariableValues) -> dict[str, Any]:
        values = get_argument_values(definition, node, variables)
        return values if names is None else {names[name]: value for name, value in values.items()}

    if not definition.args:
        return lambda _: {}
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    constants: dict[str, Any] = {}
    from_variables: list[tuple[str, str, bool, Any]] = []
    for name, argument in definition.args.items():
        out = names[name] if names is not None else argument.out_name or name
        try:
            default = coerce_default_value(argument)
        except Exception:
            return coerce_slowly
        value = given.get(name)
        if value is None:
            if is_required_argument(argument) or is_mutable(default):
                return coerce_slowly
            if default is not Undefined:
                constants[out] = default
        elif isinstance(value, VariableNode):
            if is_mutable(default) or (is_required_argument(argument) and default is not Undefined):
                return coerce_slowly
            from_variables.append((out, value.name.value, is_non_null_type(argument.type), default))
        else:
            coerced = Undefined if _has_variables(value) else coerce_input_literal(value, argument.type)
            if coerced is Undefined or is_mutable(coerced):
                return coerce_slowly
            constants[out] = coerced

    def coerce(variables: VariableValues) -> dict[str, Any]:
        coerced_variables = variables.coerced
        arguments = dict(constants)
        for out, variable, is_non_null, default in from_variables:
            value = coerced_variables.get(variable, Undefined)
            if value is Undefined:
                value = default
                if value is Undefined:
                    if is_non_null:
                        return coerce_slowly(variables)
                    continue
            if value is None and is_non_null:
                return coerce_slowly(variables)
            arguments[out] = value
        return arguments

    return coerce


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
    """Return whether a resolver could change the value, so that each call needs its own copy."""
    return isinstance(value, list | dict)
