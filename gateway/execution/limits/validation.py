"""Parsing and validation of texts within the limits. The cheapest checks come first."""

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, specified_rules, validate

from gateway.execution.compat import set_merge_budget
from gateway.execution.cost.list_size import OneSlicingArgumentRule
from gateway.execution.limits.operation_limits import OperationLimits, limit_error
from gateway.execution.limits.operation_size import operation_sizes
from gateway.execution.limits.token_counts import count_tokens
from gateway.execution.state.error_locations import with_location_of
from services.chassis.runtime import gc_tuning

INVALID_OPERATION = "INVALID_OPERATION"
MAX_VALIDATION_ERRORS = 10
"""Errors of one text. Wording one takes longer than validating a small operation."""

_GARBAGE_BYTES_PER_VALIDATION = 100_000
_GARBAGE_BYTES_PER_TOKEN = 1_000
"""Memory that graphql-core leaves in reference cycles: of visitors in validation, of linked tokens in parsing."""

VALIDATION_RULES = (*specified_rules, OneSlicingArgumentRule)

# The comparisons of fields to be merged grow with the square of the fields of one name. Twenty fragments that select
# the same thirty fields need about 20,000; with graphql-core's default they could take half a second.
set_merge_budget(20_000)


def parse_and_validate(schema: GraphQLSchema, text: str, limits: OperationLimits) -> DocumentNode | list[GraphQLError]:
    """Return the document of a text that is valid and within the limits; else the errors.

    ``extensions.code`` of an error is LIMIT_EXCEEDED (with ``limit``, ``allowed`` and ``value``), or INVALID_OPERATION
    with the message of graphql-core.
    """
    error = limit_error(limits, "text", len(text))
    if error is not None:
        return [error]
    counts = count_tokens(text)
    for limit in counts.__struct_fields__:
        error = limit_error(limits, limit, getattr(counts, limit))
        if error is not None:
            return [error]
    gc_tuning.count_garbage(_GARBAGE_BYTES_PER_VALIDATION + _GARBAGE_BYTES_PER_TOKEN * counts.tokens)
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
