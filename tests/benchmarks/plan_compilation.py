"""Time to compile a plan, beside parsing and validation of its text; and the memory of many plans."""

import gc
import statistics
import time
from collections.abc import Generator
from typing import Any

import msgspec
import psutil
import uvloop
from graphql import parse, validate

from gateway.execution.documents import DocumentCache
from gateway.execution.projection.compiler import compile_projection
from gateway.schema.builder import KiertoSchema, build_schema
from gateway.schema.scalars import PASSTHROUGH_SCALARS
from services.chassis.rpc.raw_result import RawResult
from services.chassis.rpc.signature import signatures
from services.chassis.telemetry import logging
from services.contracts.identity.people import Language
from services.contracts.orders.operations import Orders
from services.contracts.sites import Sites
from tests.benchmarks.contest import answers
from tests.benchmarks.contest.pages import PORTAL

ROUNDS = 50
OPERATIONS, FULL = 10_000, 2_000
"""Number of different operations to execute, and number after which the cache is certainly full."""
_FIELDS = ("id", "siteNumber", "municipality", "organisationId", "address { street city }", "containers { id litres }")


_READS = signatures(Sites) | signatures(Orders)
_ROOT_TYPES = {
    "sites": _READS["sites"].result,
    "nextPickup": _READS["nextPickups"].result,
    "openOrderCount": _READS["openOrderCounts"].result,
}


class CompileTime(msgspec.Struct, frozen=True):
    """Seconds to compile the plan of the portal's page, and to parse and validate its text with graphql-core."""

    plan: float
    text: float


class CacheMemory(msgspec.Struct, frozen=True):
    """Bytes of the process when the cache was full, and after all operations."""

    full: int
    end: int
    texts: int
    """Number of texts in the cache."""


def compile_time() -> CompileTime:
    """Return the medians of many rounds."""
    schema = build_schema()
    plans, texts = list[float](), list[float]()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        node = parse(PORTAL.text)
        assert not validate(schema._schema, node)
        validated = time.perf_counter()
        document = DocumentCache().get_or_add(node)
        operation = document.operation(None)
        assert operation is not None
        plan = schema.engine._plan(document, operation.node, {})
        (sites,) = plan.steps
        for step in (sites, *sites.steps):
            projection = compile_projection(
                step, _ROOT_TYPES[step.key], PASSTHROUGH_SCALARS, is_batch=step.batch is not None
            )
            assert not isinstance(projection, str), projection
        plans.append(time.perf_counter() - validated)
        texts.append(validated - began)
    return CompileTime(statistics.median(plans), statistics.median(texts))


def memory() -> CacheMemory:
    """Execute different operations in a row, each once, with canned results."""
    logging.configure("benchmark", "WARNING")
    return uvloop.run(_memory())


async def _memory() -> CacheMemory:
    schema, context, process = build_schema(KiertoSchema), _Context(), psutil.Process()
    full = 0
    for number in range(OPERATIONS):
        if number == FULL:
            gc.collect()
            full = process.memory_info().rss
        result = await schema.execute(_operation(number), context_value=context)
        assert not result.errors, result.errors
    gc.collect()
    return CacheMemory(full, process.memory_info().rss, len(schema.engine.documents))


def _operation(number: int) -> str:
    fields = [field for place, field in enumerate(_FIELDS) if (number + 1) >> place & 1]
    return f"query Number{number} {{ sites(first: 1) {{ edges {{ node {{ id {' '.join(fields)} }} }} }} }}"


class _Context:
    """Context of a request, with the part that the root field needs."""

    language = Language.FI

    def __init__(self) -> None:
        result = msgspec.json.encode(answers.answers(PORTAL, "")["sites"])
        kind = _READS["sites"].result

        class RawClient:
            def sites(self, *_: Any) -> "_ResolvedAwaitable":
                return _ResolvedAwaitable(RawResult(result, kind))

        self.clients = self
        self.sites = type("Client", (), {"raw_client": RawClient()})()


class _ResolvedAwaitable:
    """Awaitable of a result that is there already."""

    def __init__(self, result: RawResult) -> None:
        self._result = result

    def __await__(self) -> Generator[None, None, RawResult]:
        yield
        return self._result
