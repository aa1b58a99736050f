"""From a text to a valid document, or to what is wrong with it: what is cheap to refuse is refused first."""

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, specified_rules, validate
from graphql.validation.rules import overlapping_fields_can_be_merged

from gateway.execution.cost.list_size import OneSlicingArgumentRule
from gateway.execution.limits.operation_limits import OperationLimits, limit_error
from gateway.execution.limits.operation_size import operation_sizes
from gateway.execution.limits.token_counts import count_tokens
from gateway.execution.state.error_locations import with_location_of
from services.chassis.runtime import gc_tuning

INVALID_OPERATION = "INVALID_OPERATION"
MAX_VALIDATION_ERRORS = 10
"""Of one text: to find the words for one takes longer than to validate a small operation."""

_GARBAGE_BYTES_PER_VALIDATION = 100_000
_GARBAGE_BYTES_PER_TOKEN = 1_000
"""graphql-core leaves so much behind in cycles: visitors that hold each other, tokens that hold their neighbours."""

VALIDATION_RULES = (*specified_rules, OneSlicingArgumentRule)

# Comparisons of fields that are to be merged grow with the square of those of one name. Twenty fragments that ask for
# the same thirty fields need about 20,000; graphql-core's own default would take half a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


def parse_and_validate(schema: GraphQLSchema, text: str, limits: OperationLimits) -> DocumentNode | list[GraphQLError]:
    """The document of a text that is valid and within its limits; else why it is not.

    ``extensions.code`` of an error is LIMIT_EXCEEDED (then with ``limit``, ``allowed`` and ``value``), or
    INVALID_OPERATION, in graphql-core's words.
    """
    error = limit_error(limits, "text", len(text))
    if error is not None:
        return [error]
    found = count_tokens(text)
    for limit in found.__struct_fields__:
        error = limit_error(limits, limit, getattr(found, limit))
        if error is not None:
            return [error]
    gc_tuning.count_garbage(_GARBAGE_BYTES_PER_VALIDATION + _GARBAGE_BYTES_PER_TOKEN * found.tokens)
    try:
        document = parse(text, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as syntax:
        return [_invalid_operation(syntax)]
    error = _size_error(document, limits)
    if error is not None:
        return [error]
    return [
        _invalid_operation(one) for one in validate(schema, document, VALIDATION_RULES, MAX_VALIDATION_ERRORS)
    ] or document


def _size_error(document: DocumentNode, limits: OperationLimits) -> GraphQLError | None:
    for _, size in operation_sizes(document):
        for limit in size.__struct_fields__:
            error = limit_error(limits, limit, getattr(size, limit))
            if error is not None:
                return error
    return None


def _invalid_operation(error: GraphQLError) -> GraphQLError:
    return with_location_of(error, error.message, None, extensions={"code": INVALID_OPERATION})
