"""Tests of a service that hangs or is killed under load: only its own fields are missing, until it is back.

Two queries are sent all the while: one that needs the service and others beside it, and one that does not need it.
"""

import asyncio
import contextlib
import datetime as dt
import signal
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import psutil
import pytest

from services.chassis.rpc.channel import READ_TIMEOUT_S
from services.chassis.rpc.circuit_breaker import PROBE_INTERVAL_S
from tests.faults.queries import Latency, QueryResult, SteadyQueries, TimeSpan, is_lacking
from tests.faults.report import OutageResult
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(900)

RATE = 40.0
"""Queries a second that do not need the service."""
DEPENDENT_RATE = 10.0
ROUNDS = 3
MAX_ROUNDS = 9
"""Calm and outage take turns, so that both are measured under the same other work of the machine.

If other work slowed only one of them, more rounds follow; the cost of the fault itself remains in all rounds.
"""
CALM_S = 3.0
OUTAGE_S = 5.0
MAX_SLOWDOWN = 1.2
"""The least slowdown of the other queries that is an effect of the outage.

Where calm spans differ more than that among themselves, other work of the machine is the reason, and a greater one is
needed.
"""
MAX_RECOVERY_S = 2.0
SHORT_FORM_FACTOR = 3
"""Factor on slowdown and recovery where another stack shares the machine: its work slows only one of the two."""
MAX_MEMORY_GROWTH = 60_000_000
"""Bytes. The garbage of errors is collected only above a threshold (chassis/runtime/gc_tuning.py): 45 MB."""
IMMEDIATE_S = READ_TIMEOUT_S / 2
"""Limit of a response that does not wait for the service. One that waits takes the read timeout; on an idle machine the
others take a hundredth of a second."""

_TODAY = dt.datetime.now(dt.UTC).date()
_SITES = "sites(first: 5) { edges { node { id address { street } %s } } }"


class DependentQuery(msgspec.Struct, frozen=True):
    """A query that needs a service for ``fields``, and one that does not need it."""

    fields: frozenset[str]
    query: str
    other: str


QUERIES = {
    "orders": DependentQuery(
        frozenset({"openOrderCount", "nextPickup"}),
        "{ me { id } " + _SITES % "openOrderCount nextPickup { id }" + " }",
        "{ me { id } " + _SITES % "" + " }",
    ),
    "sites": DependentQuery(
        frozenset({"sites"}),
        "{ me { id } orders(first: 5) { edges { node { id } } } " + _SITES % "" + " }",
        "{ me { id } orders(first: 5) { edges { node { id } } } }",
    ),
    "stats": DependentQuery(
        frozenset({"volumes"}),
        "{ me { id } " + _SITES % "" + f' volumes(since: "{_TODAY}", until: "{_TODAY}") {{ __typename }} }}',
        "{ me { id } " + _SITES % "" + " }",
    ),
    "support": DependentQuery(
        frozenset({"tickets"}),
        "{ me { id } " + _SITES % "" + " tickets(first: 5) { edges { node { id } } } }",
        "{ me { id } " + _SITES % "" + " }",
    ),
}


class OutageObserver:
    """The load, and the observations of the gateway and of one service's api under it."""

    def __init__(self, trial: Trial, service: str) -> None:
        self.trial = trial
        self.stack = trial.stack
        self.service = service
        self.api = f"{service}-api"
        self.queries = QUERIES[service]
        gateway, token = self.stack.gateway, trial.clients.manager.token
        self.dependent = SteadyQueries(gateway, token, self.queries.query, DEPENDENT_RATE)
        self.independent = SteadyQueries(gateway, token, self.queries.other, RATE)
        self.whole: dict[str, Any] = {}
        self.calm: list[TimeSpan] = []
        self.outages: list[TimeSpan] = []
        factor = 1 if trial.full else SHORT_FORM_FACTOR
        self.slower_at_most, self.back_within_s = MAX_SLOWDOWN * factor, MAX_RECOVERY_S * factor
        self.recoveries: list[float] = []

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Send both queries for the length of a block."""
        response = await self.trial.clients.manager.post(self.queries.query)
        assert "errors" not in response, response
        self.whole = response["data"]
        async with self.dependent.run(), self.independent.run():
            await asyncio.sleep(1)  # warm-up
            yield
            await asyncio.sleep(1)  # the recovery has to last

    @contextlib.asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """Measure a calm span, then the fault in the block."""
        began = time.monotonic()
        await asyncio.sleep(CALM_S)
        since = time.monotonic()
        self.calm.append((began, since))
        yield
        over = time.monotonic()
        self.outages.append((since, over))

    def is_lacking(self, response: QueryResult) -> bool:
        return is_lacking(response, self.whole, self.queries.fields)

    async def await_ready(self, before: int) -> None:
        """Wait until another process than ``before`` is ready. Frequent polls would slow down the measured process."""
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(self.stack.restarted, self.api, before):
                await asyncio.sleep(0.1)

    async def await_recovery(self, since: float) -> None:
        """Wait until a query sent after ``since`` has the fields, and record the seconds."""

        async def whole_answers() -> list[QueryResult]:
            return [one for one in self.dependent.between(since, float("inf")) if not self.is_lacking(one)]

        try:
            answered = await until(whole_answers, within=60)
        except AssertionError:
            events = [line for line in self.stack.log("gateway") if str(line.get("event")).startswith("breaker")]
            last = [(one.began - since, one.seconds, one.body.get("errors")) for one in self.dependent.results[-3:]]
            raise AssertionError(f"{self.api} is back and not used: {events[-4:]}, {last}") from None
        self.recoveries.append(min(result.ended for result in answered) - since)

    def rounds(self) -> Iterator[int]:
        """Iterate over rounds until the effect on the other queries is clear."""
        for number in range(MAX_ROUNDS):
            if number < ROUNDS or not self.others_are_unaffected():
                yield number

    def others_are_unaffected(self) -> bool:
        """Tell whether queries that do not need the service are as fast as before."""
        before, during = self.independent.latency(self.calm), self.independent.latency(self.outages)
        spans = list[Latency]()
        for span in self.calm:
            with contextlib.suppress(statistics.StatisticsError):  # this process had no time
                spans.append(self.independent.latency([span]))
        p50s, p95s = [one.p50 for one in spans], [one.p95 for one in spans]
        slower_at_most = max(self.slower_at_most, max(p50s) / min(p50s), max(p95s) / min(p95s))
        return during.p50 <= before.p50 * slower_at_most and during.p95 <= before.p95 * slower_at_most

    @property
    def delay_s(self) -> float:
        """The seconds by which other work of the machine delays queries: the slowest one of the calm spans."""
        calm = (one.seconds for since, over in self.calm for one in self.independent.between(since, over))
        return max(calm, default=0.0)

    def check(self) -> OutageResult:
        """Check that other queries are unaffected and that only fields of the service are missing."""
        for response in self.independent.results:
            assert (response.status, response.body.get("errors")) == (200, None), response.body
        before, during = self.independent.latency(self.calm), self.independent.latency(self.outages)
        missing = [one for one in self.dependent.results if self.is_lacking(one)]
        back_within_s = self.back_within_s + self.delay_s
        for one in missing:
            if not any(since < one.ended and one.began < over + back_within_s for since, over in self.outages):
                raise AssertionError(f"{one} at {self.outages}; others took {self.delay_s} s at most")
        result = OutageResult(self.service, before, during, max(one.seconds for one in missing), tuple(self.recoveries))
        assert self.others_are_unaffected(), result
        assert max(self.recoveries) <= back_within_s, result
        return result


class GatewayMemory:
    """Memory and connections of the gateway's process during an outage."""

    def __init__(self, trial: Trial, service: str) -> None:
        self._process = psutil.Process(trial.stack.pid("gateway"))
        self._port = trial.stack.ports.of(f"{service}-api")
        self.memory_before = self.most_memory = self._process.memory_info().rss
        self.most_connections = self.last_connections = 0

    async def sample(self) -> None:
        """Sample once: more often would delay the measurements of this process."""
        connections = await asyncio.to_thread(self._process.net_connections, "tcp")
        self.last_connections = sum(
            bool(connection.raddr) and connection.raddr.port == self._port for connection in connections
        )
        self.most_connections = max(self.most_connections, self.last_connections)
        self.most_memory = max(self.most_memory, self._process.memory_info().rss)


def services(trial: Trial) -> tuple[str, ...]:
    return tuple(QUERIES) if trial.full else ("orders",)


async def test_a_service_that_hangs_costs_its_own_fields(
    trial: Trial, report_result: Callable[[OutageResult], None]
) -> None:
    for service in services(trial):
        observer = OutageObserver(trial, service)
        async with observer.run():
            gateway = GatewayMemory(trial, service)
            for _ in observer.rounds():
                async with observer.fault():
                    observer.stack.signal(observer.api, signal.SIGSTOP)
                    try:
                        await asyncio.sleep(READ_TIMEOUT_S * 0.9)
                        await gateway.sample()  # the most queries wait now
                        await asyncio.sleep(OUTAGE_S - READ_TIMEOUT_S * 0.9)
                        await gateway.sample()
                    finally:
                        observer.stack.signal(observer.api, signal.SIGCONT)
                await observer.await_recovery(observer.outages[-1][1])
        line = observer.check()
        report_result(msgspec.structs.replace(line, service=f"{service}, stopped"))
        for since, over in observer.outages:
            affected = [one for one in observer.dependent.between(since, over) if observer.is_lacking(one)]
            delay_s = observer.delay_s
            assert max(one.seconds for one in affected) < READ_TIMEOUT_S + 1 + delay_s, (
                "no longer than the read timeout"
            )
            opened = min(one.ended for one in affected) + 0.1 + delay_s  # all waiting queries have ended
            then = [one.seconds for one in affected if one.began > opened]
            assert len(then) > DEPENDENT_RATE * (OUTAGE_S - READ_TIMEOUT_S) / 2, "most were sent after that"
            assert statistics.median(then) < IMMEDIATE_S
            assert max(then) < READ_TIMEOUT_S + delay_s, "a probe waits a little longer"
        assert gateway.most_connections <= 100, "the limit of an Origin"
        assert gateway.last_connections <= READ_TIMEOUT_S / PROBE_INTERVAL_S + 1, "a few probes, no waiting queries"
        assert gateway.most_memory - gateway.memory_before < MAX_MEMORY_GROWTH
    await trial.check()


async def test_a_service_that_is_killed_costs_its_own_fields(
    trial: Trial, report_result: Callable[[OutageResult], None]
) -> None:
    """Kill it once a round: its restarts slow the machine, which is not the effect of the gateway."""
    for service in services(trial):
        observer = OutageObserver(trial, service)
        async with observer.run():
            for _ in observer.rounds():
                async with observer.fault():
                    pid, killed = observer.stack.pid(observer.api), time.monotonic()
                    observer.stack.kill(observer.api)
                    await observer.await_ready(pid)
                    await observer.await_recovery(time.monotonic())
                    await asyncio.sleep(max(0.0, killed + OUTAGE_S - time.monotonic()))
        line = observer.check()
        assert line.longest < READ_TIMEOUT_S + observer.delay_s
        report_result(msgspec.structs.replace(line, service=f"{service}, killed"))
    await trial.check()
