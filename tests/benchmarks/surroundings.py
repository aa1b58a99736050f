"""What surrounds the execution of a request that is known: who asks, what it may ask, what it costs, what it spends."""

import timeit
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import msgspec

from gateway.admission import Admission
from gateway.context import Asker
from gateway.execution.limits import Limits
from gateway.http import parameters
from gateway.http.negotiation import answers_as, is_json
from gateway.http.origins import Origins
from gateway.persisted.documents import PersistedDocuments
from gateway.proxies import Proxies
from gateway.rate.budgets import Budgets
from gateway.rate.policy import Policy
from gateway.rate.rates import Rates
from gateway.room import Room
from gateway.schema.build import build_schema
from services.chassis import deadline
from services.contracts.identity import Language
from tests.benchmarks.contest.pages import PORTAL

A = TypeVar("A")
ROUNDS, CALLS = 7, 20_000


class Measured(msgspec.Struct, frozen=True):
    """Seconds of one portal page's request: all that it has to pass, and of that the reading of its body."""

    passing: float
    reading: float


def measure() -> Measured:
    """The best of some rounds."""
    schema = build_schema()
    budget = Budgets("redis://127.0.0.1:1/0", gateways=1, secret=b"bench").under(Policy("stranger", 10**12, 3600))
    admission = Admission(schema.engine, Limits(), PersistedDocuments(), Rates({None: budget}), open_schema=True)
    origins, proxies, room = Origins([]), Proxies([]), Room()
    stranger = Asker(None, "en", Language.EN, "127.0.0.1", cast(Any, None), "", "127.0.0.1")
    body = PORTAL.body()
    headers = {b"content-type": b"application/json", b"accept": b"application/graphql-response+json, application/json"}

    def passing() -> None:
        origins.check(headers)
        answers_as(headers[b"accept"])
        is_json(headers[b"content-type"])
        deadline.begin(10)
        proxies.address("", ("127.0.0.1", 1))
        admission.charge(stranger, len(body))
        admitted, spent = _done(admission.admit(parameters.of_body(body), stranger, len(body)))
        room.enter(admitted.cost)
        spent.fields()
        room.leave()

    passing()
    return Measured(_best(passing), _best(lambda: parameters.of_body(body)))


def _done(admitting: Coroutine[Any, Any, A]) -> A:
    """What comes of a coroutine that waits for nothing."""
    try:
        admitting.send(None)
    except StopIteration as done:
        return cast(A, done.value)
    raise AssertionError("it waits")


def _best(call: Any) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS
