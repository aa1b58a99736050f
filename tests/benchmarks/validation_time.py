"""CPU time of the most expensive invalid texts, and of computing the cost of a request."""

import time
import timeit

import msgspec
from graphql import DocumentNode, GraphQLSchema

from gateway.execution.cost.compiler import compile_cost
from gateway.execution.documents import Document
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.execution.limits.validation import parse_and_validate
from gateway.schema.builder import build_schema
from tests.benchmarks.contest.pages import PORTAL
from tests.unit.execution.invalid_documents import MALFORMED, TOO_LARGE

ROUNDS, CALLS = 5, 100_000


class ValidationTime(msgspec.Struct, frozen=True):
    """Seconds of CPU."""

    worst: float
    """Of the refusal of the most expensive text."""
    which: str
    """Name of that text."""
    cost: float
    """Of computing the cost of the portal's page."""


def measure() -> ValidationTime:
    """Return the worst of the best times of each text."""
    schema = build_schema()._schema
    texts = {**{name: text for name, (_, text) in TOO_LARGE.items()}, **MALFORMED}
    best_times = {name: min(_seconds(schema, text) for _ in range(ROUNDS)) for name, text in texts.items()}
    which = max(best_times, key=lambda name: best_times[name])
    node = parse_and_validate(schema, PORTAL.text, OperationLimits())
    assert isinstance(node, DocumentNode)
    document = Document(PORTAL.text, node)
    operation = document.operation(None)
    assert operation is not None
    cost, values = compile_cost(schema, document, operation.node), {"first": 10}
    call = min(timeit.repeat(lambda: cost(values), number=CALLS, repeat=ROUNDS)) / CALLS
    return ValidationTime(best_times[which], which, call)


def _seconds(schema: GraphQLSchema, text: str) -> float:
    began = time.process_time()
    assert isinstance(parse_and_validate(schema, text, OperationLimits()), list)
    return time.process_time() - began
