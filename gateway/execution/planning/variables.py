"""Coercion of an operation's variables (specification, section 6.1.2), by closures that accept the common values.

graphql-core coerces the others (a value that is not valid, a single item for a list) and words the errors.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    is_input_object_type,
)
from graphql.execution import VariableValues, get_variable_values
from graphql.utilities import coerce_input_value

from gateway.execution.compat import (
    VariableValueSource,
    coerce_default_value,
    get_variable_signature,
    input_is_nested_too_deeply,
)
from gateway.execution.planning.arguments import is_mutable
from services.chassis.runtime import gc_tuning

MAX_VARIABLE_ERRORS = 10
"""Errors in the variables of a request, after which coercion stops."""

CoerceVariables = Callable[[Mapping[str, Any] | None], VariableValues | list[GraphQLError]]
"""Returns the coerced variables of a request, or their errors."""

_CoerceValue = Callable[[Any], Any]


class _UnexpectedValue(Exception):
    """A value that graphql-core has to coerce."""


def count_list_items(variables: Mapping[str, Any]) -> int:
    """Return the number of items in all lists of variables."""
    count = 0
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        children = value.values() if isinstance(value, Mapping) else value
        if isinstance(value, list):
            count += len(value)
        waiting += [child for child in children if isinstance(child, list | dict)]
    return count


def compile_variable_coercion(schema: GraphQLSchema, operation: OperationDefinitionNode) -> CoerceVariables:
    """Compile the coercion of an operation's variables."""
    definitions = operation.variable_definitions or ()

    def coerce_slowly(given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        values = get_variable_values(schema, definitions, dict(given or {}), max_errors=MAX_VARIABLE_ERRORS)
        for error in values if isinstance(values, list) else ():
            gc_tuning.clear_tracebacks(error)
        return values

    variables: list[tuple[str, Any, _CoerceValue, VariableValueSource, Any, bool]] = []
    for definition in definitions:
        signature = get_variable_signature(schema, definition)
        if isinstance(signature, GraphQLError):
            return coerce_slowly
        default = Undefined
        if definition.default_value:
            try:
                default = coerce_default_value(signature)
            except Exception:
                return coerce_slowly
            if default is Undefined or is_mutable(default):
                return coerce_slowly
        required = isinstance(signature.type, GraphQLNonNull)
        source = VariableValueSource(signature)
        variables.append((signature.name, signature, _coercion(signature.type), source, default, required))

    def coerce(given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        unexpected = False
        if variables:
            given = given or {}
            try:
                for name, signature, coerce_value, source, default, required in variables:
                    value = given.get(name, Undefined)
                    if value is not Undefined:
                        sources[name] = VariableValueSource(signature, value)
                        coerced[name] = coerce_value(value)
                    elif default is not Undefined:
                        sources[name] = source
                        coerced[name] = default
                    elif required:
                        return coerce_slowly(given)
                    else:
                        sources[name] = source
            except (_UnexpectedValue, RecursionError):
                unexpected = True
        return coerce_slowly(given) if unexpected else VariableValues(sources, coerced)

    return coerce


def _coercion(kind: Any) -> _CoerceValue:
    if isinstance(kind, GraphQLNonNull):
        return _non_null_coercion(kind.of_type)
    coerce = _non_null_coercion(kind)
    return lambda value: None if value is None else coerce(value)


def _non_null_coercion(kind: Any) -> _CoerceValue:
    """Return the coercion of a value that is not null."""
    if kind is GraphQLString or kind is GraphQLID:
        return _exact_type_coercion(str)
    if kind is GraphQLInt:
        return _coerce_int
    if kind is GraphQLBoolean:
        return _exact_type_coercion(bool)
    if isinstance(kind, GraphQLList):
        coerce_item = _coercion(kind.of_type)

        def coerce_list(value: Any) -> Any:
            if type(value) is not list:
                raise _UnexpectedValue
            return [coerce_item(item) for item in value]

        return coerce_list

    def coerce(value: Any) -> Any:
        if value is None or (is_input_object_type(kind) and input_is_nested_too_deeply(value, kind)):
            raise _UnexpectedValue
        coerced = coerce_input_value(value, kind)
        if coerced is Undefined:
            raise _UnexpectedValue
        return coerced

    return coerce


def _coerce_int(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise _UnexpectedValue
    return value


def _exact_type_coercion(kind: type) -> _CoerceValue:
    """Return the coercion of a value that has to be of this class."""

    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise _UnexpectedValue
        return value

    return check
