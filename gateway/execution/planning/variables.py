"""Values of an operation's variables, coerced (specification, section 6.1.2): what is usual is checked by closures.

Anything unusual (a value that is not valid, a single item where a list is wanted) is graphql-core's to judge, which
finds the words for it, too.
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
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import (
    VariableValues,
    VariableValueSource,
    get_variable_values,
    input_is_nested_too_deeply,
)
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_value

from gateway.execution.planning.arguments import is_mutable
from services.chassis.runtime import gc_tuning

MAX_VARIABLE_ERRORS = 10
"""Of a request's variables: where there would be more, nothing is looked at any further."""

CoerceVariables = Callable[[Mapping[str, Any] | None], VariableValues | list[GraphQLError]]
"""The variables of a request, coerced; or what is wrong with them."""

_CoerceValue = Callable[[Any], Any]


class _UnexpectedValue(Exception):
    """A value that graphql-core has to judge."""


def count_list_items(variables: Mapping[str, Any]) -> int:
    """Return how many items the lists in variables have, all together."""
    count = 0
    waiting: list[Any] = [variables]
    while waiting:
        one = waiting.pop()
        parts = one.values() if isinstance(one, Mapping) else one
        if isinstance(one, list):
            count += len(one)
        waiting += [part for part in parts if isinstance(part, list | dict)]
    return count


def compile_variable_coercion(schema: GraphQLSchema, operation: OperationDefinitionNode) -> CoerceVariables:
    """The coercion of an operation's variables."""
    definitions = operation.variable_definitions or ()

    def exactly(given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        values = get_variable_values(schema, definitions, dict(given or {}), max_errors=MAX_VARIABLE_ERRORS)
        for error in values if isinstance(values, list) else ():
            gc_tuning.clear_tracebacks(error)
        return values

    usual: list[tuple[str, Any, _CoerceValue, VariableValueSource, Any, bool]] = []
    for definition in definitions:
        signature = get_variable_signature(schema, definition)
        if isinstance(signature, GraphQLError):
            return exactly
        default = Undefined
        if definition.default_value:
            try:
                default = coerce_default_value(signature)
            except Exception:
                return exactly
            if default is Undefined or is_mutable(default):
                return exactly
        required = isinstance(signature.type, GraphQLNonNull)
        source = VariableValueSource(signature)
        usual.append((signature.name, signature, _coercion(signature.type), source, default, required))

    def coerce(given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        unusual = False
        if usual:
            given = given or {}
            try:
                for name, signature, value, source, default, required in usual:
                    one = given.get(name, Undefined)
                    if one is not Undefined:
                        sources[name] = VariableValueSource(signature, one)
                        coerced[name] = value(one)
                    elif default is not Undefined:
                        sources[name] = source
                        coerced[name] = default
                    elif required:
                        return exactly(given)
                    else:
                        sources[name] = source
            except (_UnexpectedValue, RecursionError):
                unusual = True
        return exactly(given) if unusual else VariableValues(sources, coerced)

    return coerce


def _coercion(kind: Any) -> _CoerceValue:
    if isinstance(kind, GraphQLNonNull):
        return _non_null_coercion(kind.of_type)
    present = _non_null_coercion(kind)
    return lambda value: None if value is None else present(value)


def _non_null_coercion(kind: Any) -> _CoerceValue:
    """The coercion of a value that is not null."""
    if kind is GraphQLString or kind is GraphQLID:
        return _exact_type_coercion(str)
    if kind is GraphQLInt:
        return _coerce_int
    if kind is GraphQLBoolean:
        return _exact_type_coercion(bool)
    if isinstance(kind, GraphQLList):
        item = _coercion(kind.of_type)

        def items(value: Any) -> Any:
            if type(value) is not list:
                raise _UnexpectedValue
            return [item(one) for one in value]

        return items

    def other(value: Any) -> Any:
        if value is None or (is_input_object_type(kind) and input_is_nested_too_deeply(value, kind)):
            raise _UnexpectedValue
        coerced = coerce_input_value(value, kind)
        if coerced is Undefined:
            raise _UnexpectedValue
        return coerced

    return other


def _coerce_int(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise _UnexpectedValue
    return value


def _exact_type_coercion(kind: type) -> _CoerceValue:
    """The coercion of a value that has to be of this class already."""

    def same(value: Any) -> Any:
        if type(value) is not kind:
            raise _UnexpectedValue
        return value

    return same
