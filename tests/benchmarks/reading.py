"""How long the worst texts keep a gateway busy, and what it takes to know the cost of a request."""

import time
import timeit

import msgspec
from graphql import DocumentNode, GraphQLSchema

from gateway.execution.cost import costing
from gateway.execution.documents import Document
from gateway.execution.limits import Limits
from gateway.execution.reading import read
from gateway.schema.build import build_schema
from tests.benchmarks.contest.pages import PORTAL
from tests.unit.execution.nonsense import TOO_MUCH, WRONG

ROUNDS, CALLS = 5, 100_000


class Measured(msgspec.Struct, frozen=True):
    """Seconds: of CPU until the worst text (and which it is) is refused; of one call for the portal's page's cost."""

    worst: float
    which: str
    cost: float


def measure() -> Measured:
    """The best of some rounds for each text, and the worst of those."""
    schema = build_schema()._schema
    texts = {**{name: text for name, (_, text) in TOO_MUCH.items()}, **WRONG}
    taken = {name: min(_seconds(schema, text) for _ in range(ROUNDS)) for name, text in texts.items()}
    which = max(taken, key=lambda name: taken[name])
    node = read(schema, PORTAL.text, Limits())
    assert isinstance(node, DocumentNode)
    document = Document(PORTAL.text, node)
    operation = document.operation(None)
    assert operation is not None
    cost, values = costing(schema, document, operation.node), {"first": 10}
    call = min(timeit.repeat(lambda: cost(values), number=CALLS, repeat=ROUNDS)) / CALLS
    return Measured(taken[which], which, call)


def _seconds(schema: GraphQLSchema, text: str) -> float:
    began = time.process_time()
    assert isinstance(read(schema, text, Limits()), list)
    return time.process_time() - began
