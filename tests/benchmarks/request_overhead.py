"""Overhead of a cached request around its execution: the requester, admission, cost and quota."""

import contextvars
import timeit
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import msgspec

from gateway.admission import Admission
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import Requester
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.http import parameters
from gateway.http.negotiation import is_json, negotiate
from gateway.http.origins import AllowedOrigins
from gateway.persisted_documents.documents import PersistedDocuments
from gateway.rate_limit.limiter import RateLimiter
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.shared_budgets import SharedBudgets
from gateway.schema.builder import build_schema
from gateway.trusted_proxies import TrustedProxies
from services.chassis.runtime import deadline
from services.contracts.identity.people import Language
from tests.benchmarks.contest.pages import PORTAL

A = TypeVar("A")
ROUNDS, CALLS = 7, 20_000


class RequestOverhead(msgspec.Struct, frozen=True):
    """Seconds of one portal page's request."""

    admission: float
    """The whole overhead."""
    parsing: float
    """The part of it that parses the body."""


def measure() -> RequestOverhead:
    """Return the best of some rounds."""
    # The deadline of the last request would be that of whatever this process measures next.
    return contextvars.copy_context().run(_measure)


def _measure() -> RequestOverhead:
    schema = build_schema()
    budget = SharedBudgets("redis://127.0.0.1:1/0", gateways=1, secret=b"bench").budget_for(
        Policy("stranger", 10**12, 3600)
    )
    admission = Admission(
        schema.engine, OperationLimits(), PersistedDocuments(), RateLimiter({None: budget}), open_schema=True
    )
    origins, proxies, limit = AllowedOrigins([]), TrustedProxies([]), ConcurrencyLimit()
    requester = Requester(None, "en", Language.EN, "127.0.0.1", cast(Any, None), "", "127.0.0.1")
    body = PORTAL.body()
    headers = {b"content-type": b"application/json", b"accept": b"application/graphql-response+json, application/json"}

    def admit_request() -> None:
        origins.check(headers)
        negotiate(headers[b"accept"])
        is_json(headers[b"content-type"])
        deadline.begin(10)
        proxies.resolve("", ("127.0.0.1", 1))
        admission.charge(requester, len(body))
        prepared, charge = _run_to_completion(admission.admit(parameters.parse_body(body), requester, len(body)))
        limit.acquire(prepared.cost)
        charge.fields()
        limit.release()

    admit_request()
    return RequestOverhead(_best(admit_request), _best(lambda: parameters.parse_body(body)))


def _run_to_completion(coroutine: Coroutine[Any, Any, A]) -> A:
    """Return the result of a coroutine that does not suspend."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast(A, done.value)
    raise AssertionError("it suspends")


def _best(call: Any) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS
