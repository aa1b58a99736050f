"""From a text to a valid document, or to what is wrong with it: what is cheap to refuse is refused first."""

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError, parse, specified_rules, validate
from graphql.validation.rules import overlapping_fields_can_be_merged

from gateway.execution.limits import Limits, exceeded
from gateway.execution.located import at_place_of
from gateway.execution.measure import sizes
from gateway.execution.slicing import OneSlicingArgument
from gateway.execution.tokens import counted
from services.chassis import garbage

INVALID_OPERATION = "INVALID_OPERATION"
MAX_ERRORS = 10
"""Of one text: to find the words for one takes longer than to validate a small operation."""

_BYTES_OF_A_VALIDATION = 100_000
_BYTES_OF_A_TOKEN = 1_000
"""graphql-core leaves so much behind in cycles: visitors that hold each other, tokens that hold their neighbours."""

RULES = (*specified_rules, OneSlicingArgument)

# Comparisons of fields that are to be merged grow with the square of those of one name. Twenty fragments that ask for
# the same thirty fields need about 20,000; graphql-core's own default would take half a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


def read(schema: GraphQLSchema, text: str, limits: Limits) -> DocumentNode | list[GraphQLError]:
    """The document of a text that is valid and within its limits; else why it is not.

    ``extensions.code`` of an error is LIMIT_EXCEEDED (then with ``limit``, ``allowed`` and ``value``), or
    INVALID_OPERATION, in graphql-core's words.
    """
    error = exceeded(limits, "text", len(text))
    if error is not None:
        return [error]
    found = counted(text)
    for limit in found.__struct_fields__:
        error = exceeded(limits, limit, getattr(found, limit))
        if error is not None:
            return [error]
    garbage.note(_BYTES_OF_A_VALIDATION + _BYTES_OF_A_TOKEN * found.tokens)
    try:
        document = parse(text, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as syntax:
        return [_invalid(syntax)]
    error = _too_large(document, limits)
    if error is not None:
        return [error]
    return [_invalid(one) for one in validate(schema, document, RULES, MAX_ERRORS)] or document


def _too_large(document: DocumentNode, limits: Limits) -> GraphQLError | None:
    for _, size in sizes(document):
        for limit in size.__struct_fields__:
            error = exceeded(limits, limit, getattr(size, limit))
            if error is not None:
                return error
    return None


def _invalid(error: GraphQLError) -> GraphQLError:
    return at_place_of(error, error.message, None, extensions={"code": INVALID_OPERATION})
