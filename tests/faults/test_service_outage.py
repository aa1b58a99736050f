"""A service that hangs or is killed under load costs its own fields, and nothing else; when it is back, so are they.

Two queries are asked all the while: one that needs the service and others beside it, and one that does not need it.
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
from tests.faults.queries import QueryResult, SteadyQueries, TimeSpan, is_lacking
from tests.faults.report import OutageResult
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(900)

RATE = 40.0
"""Queries a second that do not need the service."""
NEEDING_RATE = 10.0
ROUNDS = 3
MOST_ROUNDS = 9
"""A while in which nothing is wrong and one in which something is take turns: what else the machine does, both see.

If one of them has seen more of that there are more rounds; what the fault itself costs stays, however many there are.
"""
CALM_S = 3.0
OUTAGE_S = 5.0
MAX_SLOWDOWN = 1.2
MAX_RECOVERY_S = 2.0
SHORT_FORM_FACTOR = 3
"""So many times slower, and later back, may be who shares the machine with another house: it is not seen by both."""
MOST_MEMORY = 60_000_000
"""Bytes. What errors leave behind is collected once there is enough of it (chassis/runtime/gc_tuning.py): 45 MB."""
IMMEDIATE_S = 0.4
"""On a machine that does nothing else it is a hundredth of a second; in any case it is no waiting for the service."""

_TODAY = dt.datetime.now(dt.UTC).date()
_SITES = "sites(first: 5) { edges { node { id address { street } %s } } }"


class DependentQuery(msgspec.Struct, frozen=True):
    """A query that needs a service for ``fields``, and one that does without it."""

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
    """The load, and what is seen of the gateway and of one service's api while it goes on."""

    def __init__(self, trial: Trial, service: str) -> None:
        self.trial = trial
        self.stack = trial.stack
        self.service = service
        self.api = f"{service}-api"
        self.wanted = QUERIES[service]
        gateway, token = self.stack.gateway, trial.people.manager.token
        self.needing = SteadyQueries(gateway, token, self.wanted.query, NEEDING_RATE)
        self.others = SteadyQueries(gateway, token, self.wanted.other, RATE)
        self.whole: dict[str, Any] = {}
        self.calm: list[TimeSpan] = []
        self.away: list[TimeSpan] = []
        looser = 1 if trial.full else SHORT_FORM_FACTOR
        self.slower_at_most, self.back_within_s = MAX_SLOWDOWN * looser, MAX_RECOVERY_S * looser
        self.backs: list[float] = []

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Both queries are asked all the while."""
        answer = await self.trial.people.manager.post(self.wanted.query)
        assert "errors" not in answer, answer
        self.whole = answer["data"]
        async with self.needing.run(), self.others.run():
            await asyncio.sleep(1)  # until all is warm
            yield
            await asyncio.sleep(1)  # in which it stays well

    @contextlib.asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """A while in which nothing is wrong, then the fault."""
        began = time.monotonic()
        await asyncio.sleep(CALM_S)
        since = time.monotonic()
        self.calm.append((began, since))
        yield
        over = time.monotonic()
        self.away.append((since, over))

    def is_lacking(self, answer: QueryResult) -> bool:
        return is_lacking(answer, self.whole, self.wanted.fields)

    async def await_ready(self, before: int) -> None:
        """Wait until another process than ``before`` is ready. To look often would slow down what is measured here."""
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(self.stack.restarted, self.api, before):
                await asyncio.sleep(0.1)

    async def await_recovery(self, since: float) -> None:
        """Wait until the fields are there in something that was asked after ``since``, and note how long it took."""

        async def whole_answers() -> list[QueryResult]:
            return [one for one in self.needing.between(since, float("inf")) if not self.is_lacking(one)]

        try:
            found = await until(whole_answers, within=self.back_within_s + 5)
        except AssertionError:
            told = [line for line in self.stack.log("gateway") if str(line.get("event")).startswith("breaker")]
            last = [(one.began - since, one.seconds, one.body.get("errors")) for one in self.needing.answers[-3:]]
            raise AssertionError(f"{self.api} is back and not used: {told[-4:]}, {last}") from None
        self.backs.append(min(one.ended for one in found) - since)

    def rounds(self) -> Iterator[int]:
        """As many as it takes to tell what the others lose by the fault."""
        for number in range(MOST_ROUNDS):
            if number < ROUNDS or not self.others_are_unaffected():
                yield number

    def others_are_unaffected(self) -> bool:
        """Whether those who do not need the service have their answers as soon as before."""
        before, during = self.others.latency(self.calm), self.others.latency(self.away)
        return during.p50 <= before.p50 * self.slower_at_most and during.p95 <= before.p95 * self.slower_at_most

    def check(self) -> OutageResult:
        """What all faults have in common: others go on as ever, only fields of the service are missing."""
        for answer in self.others.answers:
            assert (answer.status, answer.body.get("errors")) == (200, None), answer.body
        before, during = self.others.latency(self.calm), self.others.latency(self.away)
        missing = [one for one in self.needing.answers if self.is_lacking(one)]
        for one in missing:
            if not any(since < one.ended and one.began < over + self.back_within_s for since, over in self.away):
                beside = max((other.seconds for other in self.others.between(one.began, one.ended)), default=0.0)
                raise AssertionError(f"{one} at {self.away}; others took {beside} s meanwhile")
        said = OutageResult(self.service, before, during, max(one.seconds for one in missing), tuple(self.backs))
        assert self.others_are_unaffected(), said
        assert max(self.backs) <= self.back_within_s, said
        return said


class GatewayMemory:
    """What the gateway's process holds while a service is away."""

    def __init__(self, trial: Trial, service: str) -> None:
        self._process = psutil.Process(trial.stack.pid("gateway"))
        self._port = trial.stack.ports.of(f"{service}-api")
        self.memory_before = self.most_memory = self._process.memory_info().rss
        self.most_connections = self.connections_at_last = 0

    async def sample(self) -> None:
        """Look once: it keeps this process, which measures, from its work for a moment."""
        found = await asyncio.to_thread(self._process.net_connections, "tcp")
        self.connections_at_last = sum(bool(one.raddr) and one.raddr.port == self._port for one in found)
        self.most_connections = max(self.most_connections, self.connections_at_last)
        self.most_memory = max(self.most_memory, self._process.memory_info().rss)


def services(trial: Trial) -> tuple[str, ...]:
    return tuple(QUERIES) if trial.full else ("orders",)


async def test_a_service_that_hangs_costs_its_own_fields(
    trial: Trial, report_result: Callable[[OutageResult], None]
) -> None:
    for service in services(trial):
        watch = OutageObserver(trial, service)
        async with watch.run():
            gateway = GatewayMemory(trial, service)
            for _ in watch.rounds():
                async with watch.fault():
                    watch.stack.signal(watch.api, signal.SIGSTOP)
                    try:
                        await asyncio.sleep(READ_TIMEOUT_S * 0.9)
                        await gateway.sample()  # as many wait as ever will
                        await asyncio.sleep(OUTAGE_S - READ_TIMEOUT_S * 0.9)
                        await gateway.sample()
                    finally:
                        watch.stack.signal(watch.api, signal.SIGCONT)
                await watch.await_recovery(watch.away[-1][1])
        line = watch.check()
        report_result(msgspec.structs.replace(line, service=f"{service}, stopped"))
        for since, over in watch.away:
            hung = [one for one in watch.needing.between(since, over) if watch.is_lacking(one)]
            assert max(one.seconds for one in hung) < READ_TIMEOUT_S + 1, "no longer than a service may take"
            opened = min(one.ended for one in hung) + 0.1  # all that waited have been told
            then = [one.seconds for one in hung if one.began > opened]
            assert len(then) > NEEDING_RATE * (OUTAGE_S - READ_TIMEOUT_S) / 2, "most were asked after that"
            assert statistics.median(then) < IMMEDIATE_S
            assert max(then) < READ_TIMEOUT_S, "who looks after it waits a little longer"
        assert gateway.most_connections <= 100, "as many as an Origin has"
        assert gateway.connections_at_last <= READ_TIMEOUT_S / PROBE_INTERVAL_S + 1, "some look, nobody waits"
        assert gateway.most_memory - gateway.memory_before < MOST_MEMORY
    await trial.check()


async def test_a_service_that_is_killed_costs_its_own_fields(
    trial: Trial, report_result: Callable[[OutageResult], None]
) -> None:
    """Once a round: it is started again at once, and what that costs the machine is no matter of the gateway's."""
    for service in services(trial):
        watch = OutageObserver(trial, service)
        async with watch.run():
            for _ in watch.rounds():
                async with watch.fault():
                    pid, killed = watch.stack.pid(watch.api), time.monotonic()
                    watch.stack.kill(watch.api)
                    await watch.await_ready(pid)
                    await watch.await_recovery(time.monotonic())
                    await asyncio.sleep(max(0.0, killed + OUTAGE_S - time.monotonic()))
        line = watch.check()
        assert line.longest < READ_TIMEOUT_S
        report_result(msgspec.structs.replace(line, service=f"{service}, killed"))
    await trial.check()
