"""Internals of Strawberry 0.341.2 and graphql-core 3.3.2 that the executor uses.

``tests/unit/execution/test_compat.py`` has a test for each, which names the assumption that an upgrade breaks. Methods
of theirs that the executor overrides stay in its classes: ``PlanningSchema`` and ``SubscriptionExecutor``.
"""

from collections.abc import Iterable
from operator import attrgetter
from types import FunctionType
from typing import Any, NoReturn

import strawberry
from graphql import FieldNode, GraphQLAbstractType, GraphQLSchema
from graphql.execution import Executor, values
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.get_variable_signature import get_variable_signature as _get_variable_signature
from graphql.utilities.coerce_input_value import coerce_default_value as _coerce_default_value
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import arguments as _arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

get_variable_signature = _get_variable_signature
"""graphql-core 3.3.2 doesn't export it; `VariableValues` holds a signature for each variable."""

VariableValueSource = values.VariableValueSource
"""graphql-core 3.3.2 doesn't export it; a default in a `VariableValues` needs one."""

input_is_nested_too_deeply = values.input_is_nested_too_deeply
"""graphql-core 3.3.2 checks it in `get_variable_values`, which compiled coercion does not call for a valid value."""

coerce_default_value = _coerce_default_value
"""graphql-core 3.3.2 doesn't export it; arguments and variables hold a default as a value or as a literal."""

convert_arguments = _arguments.convert_arguments
"""Strawberry 0.341.2 calls it around each resolver; a batch that takes input objects is called without that wrapper."""

StrawberryExecutor = StrawberryGraphQLCoreExecutionContext
"""Strawberry 0.341.2 accepts a subclass as `execution_context_class`, and has no public name for the class."""

raw_info = attrgetter("_raw_info")
"""Strawberry 0.341.2: an `Info`'s graphql-core info. Its public `selected_fields` evaluates the whole selection."""

strawberry_schema = attrgetter("_strawberry_schema")
"""Strawberry 0.341.2: the Strawberry schema that a graphql-core schema was made from."""

strawberry_definition = GraphQLCoreConverter.DEFINITION_BACKREF
"""Strawberry 0.341.2: the key of a type's, field's or argument's declaration in graphql-core's ``extensions``."""


def graphql_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """Return the graphql-core schema of a Strawberry schema. Strawberry 0.341.2 has no public name for it."""
    return schema._schema


def converter_of(schema: GraphQLSchema) -> GraphQLCoreConverter:
    """Return the converter, which holds the configuration. Strawberry 0.341.2 does not document it."""
    converter: GraphQLCoreConverter = strawberry_schema(schema).schema_converter
    return converter


def reads_attribute(resolve: Any) -> bool:
    """Return whether a field's resolver only reads an attribute. Strawberry 0.341.2 marks it with ``_is_default``."""
    return getattr(resolve, "_is_default", False)


def has_own_result(field: StrawberryField) -> bool:
    """Return whether a field's class overrides ``get_result``, by which Strawberry 0.341.2 calls each resolver."""
    return type(field).get_result is not StrawberryField.get_result


def resolver_function(resolver: StrawberryResolver[Any]) -> Any:
    """Return what ``StrawberryResolver.__call__`` calls, or the resolver, which raises if that is no function.

    Strawberry 0.341.2 adds one call a value between the two.
    """
    return resolver.wrapped_func if isinstance(resolver.wrapped_func, FunctionType) else resolver


def raise_invalid_runtime_type(
    schema: GraphQLSchema, name: Any, kind: GraphQLAbstractType, nodes: Iterable[FieldNode], info: Any, value: Any
) -> NoReturn:
    """Raise graphql-core's error for the runtime type of an abstract type's value.

    graphql-core 3.3.2 has the check as a method of its executor, which needs nothing of it but the schema.
    """
    executor = Executor.__new__(Executor)
    executor.schema = schema
    executor.ensure_valid_runtime_type(name, kind, [FieldDetails(node, None) for node in nodes], info, value)
    raise AssertionError("the runtime type is valid")


def set_merge_budget(comparisons: int) -> None:
    """Bound the comparisons of fields that are to be merged. graphql-core 3.3.2 has a variable of the module for it."""
    overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = comparisons
