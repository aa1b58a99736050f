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

from services.chassis.rpc.breaker import LOOK_AGAIN_S
from services.chassis.rpc.service import READ_S
from tests.faults.queries import Answer, Asking, Span, lacking
from tests.faults.report import Away
from tests.faults.trial import Trial
from tests.support.wait import until

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
AWAY_S = 5.0
SLOWER_AT_MOST = 1.2
BACK_WITHIN_S = 2.0
LOOSER_IN_SHORT_FORM = 3
"""So many times slower, and later back, may be who shares the machine with another house: it is not seen by both."""
MOST_MEMORY = 60_000_000
"""Bytes. What errors leave behind is collected once there is enough of it (services/chassis/garbage.py): 45 MB."""
AT_ONCE_S = 0.4
"""On a machine that does nothing else it is a hundredth of a second; in any case it is no waiting for the service."""

_TODAY = dt.datetime.now(dt.UTC).date()
_SITES = "sites(first: 5) { edges { node { id address { street } %s } } }"


class Needing(msgspec.Struct, frozen=True):
    """A query that needs a service for ``fields``, and one that does without it."""

    fields: frozenset[str]
    query: str
    other: str


QUERIES = {
    "orders": Needing(
        frozenset({"openOrderCount", "nextPickup"}),
        "{ me { id } " + _SITES % "openOrderCount nextPickup { id }" + " }",
        "{ me { id } " + _SITES % "" + " }",
    ),
    "sites": Needing(
        frozenset({"sites"}),
        "{ me { id } orders(first: 5) { edges { node { id } } } " + _SITES % "" + " }",
        "{ me { id } orders(first: 5) { edges { node { id } } } }",
    ),
    "stats": Needing(
        frozenset({"volumes"}),
        "{ me { id } " + _SITES % "" + f' volumes(since: "{_TODAY}", until: "{_TODAY}") {{ __typename }} }}',
        "{ me { id } " + _SITES % "" + " }",
    ),
    "support": Needing(
        frozenset({"tickets"}),
        "{ me { id } " + _SITES % "" + " tickets(first: 5) { edges { node { id } } } }",
        "{ me { id } " + _SITES % "" + " }",
    ),
}


class Watch:
    """The load, and what is seen of the gateway and of one service's api while it goes on."""

    def __init__(self, trial: Trial, service: str) -> None:
        self.trial = trial
        self.stack = trial.stack
        self.service = service
        self.api = f"{service}-api"
        self.wanted = QUERIES[service]
        gateway, token = self.stack.gateway, trial.people.manager.token
        self.needing = Asking(gateway, token, self.wanted.query, NEEDING_RATE)
        self.others = Asking(gateway, token, self.wanted.other, RATE)
        self.whole: dict[str, Any] = {}
        self.calm: list[Span] = []
        self.away: list[Span] = []
        looser = 1 if trial.full else LOOSER_IN_SHORT_FORM
        self.slower_at_most, self.back_within_s = SLOWER_AT_MOST * looser, BACK_WITHIN_S * looser
        self.backs: list[float] = []

    @contextlib.asynccontextmanager
    async def under_load(self) -> AsyncIterator[None]:
        """Both queries are asked all the while."""
        answer = await self.trial.people.manager.post(self.wanted.query)
        assert "errors" not in answer, answer
        self.whole = answer["data"]
        async with self.needing.going_on(), self.others.going_on():
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

    def lacks(self, answer: Answer) -> bool:
        return lacking(answer, self.whole, self.wanted.fields)

    async def ready_again(self, before: int) -> None:
        """Wait until another process than ``before`` is ready. To look often would slow down what is measured here."""
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(self.stack.restarted, self.api, before):
                await asyncio.sleep(0.1)

    async def back_again(self, since: float) -> None:
        """Wait until the fields are there in something that was asked after ``since``, and note how long it took."""

        async def whole_answers() -> list[Answer]:
            return [one for one in self.needing.between(since, float("inf")) if not self.lacks(one)]

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
            if number < ROUNDS or not self.others_are_as_quick():
                yield number

    def others_are_as_quick(self) -> bool:
        """Whether those who do not need the service have their answers as soon as before."""
        before, during = self.others.latency(self.calm), self.others.latency(self.away)
        return during.p50 <= before.p50 * self.slower_at_most and during.p95 <= before.p95 * self.slower_at_most

    def judge(self) -> Away:
        """What all faults have in common: others go on as ever, only fields of the service are missing."""
        for answer in self.others.answers:
            assert (answer.status, answer.body.get("errors")) == (200, None), answer.body
        before, during = self.others.latency(self.calm), self.others.latency(self.away)
        missing = [one for one in self.needing.answers if self.lacks(one)]
        for one in missing:
            if not any(since < one.ended and one.began < over + self.back_within_s for since, over in self.away):
                beside = max((other.seconds for other in self.others.between(one.began, one.ended)), default=0.0)
                raise AssertionError(f"{one} at {self.away}; others took {beside} s meanwhile")
        said = Away(self.service, before, during, max(one.seconds for one in missing), tuple(self.backs))
        assert self.others_are_as_quick(), said
        assert max(self.backs) <= self.back_within_s, said
        return said


class Gateway:
    """What the gateway's process holds while a service is away."""

    def __init__(self, trial: Trial, service: str) -> None:
        self._process = psutil.Process(trial.stack.pid("gateway"))
        self._port = trial.stack.ports.of(f"{service}-api")
        self.memory_before = self.most_memory = self._process.memory_info().rss
        self.most_connections = self.connections_at_last = 0

    async def look(self) -> None:
        """Look once: it keeps this process, which measures, from its work for a moment."""
        found = await asyncio.to_thread(self._process.net_connections, "tcp")
        self.connections_at_last = sum(bool(one.raddr) and one.raddr.port == self._port for one in found)
        self.most_connections = max(self.most_connections, self.connections_at_last)
        self.most_memory = max(self.most_memory, self._process.memory_info().rss)


def services(trial: Trial) -> tuple[str, ...]:
    return tuple(QUERIES) if trial.full else ("orders",)


async def test_a_service_that_hangs_costs_its_own_fields(trial: Trial, tell: Callable[[Away], None]) -> None:
    for service in services(trial):
        watch = Watch(trial, service)
        async with watch.under_load():
            gateway = Gateway(trial, service)
            for _ in watch.rounds():
                async with watch.fault():
                    watch.stack.signal(watch.api, signal.SIGSTOP)
                    try:
                        await asyncio.sleep(READ_S * 0.9)
                        await gateway.look()  # as many wait as ever will
                        await asyncio.sleep(AWAY_S - READ_S * 0.9)
                        await gateway.look()
                    finally:
                        watch.stack.signal(watch.api, signal.SIGCONT)
                await watch.back_again(watch.away[-1][1])
        line = watch.judge()
        tell(msgspec.structs.replace(line, service=f"{service}, stopped"))
        for since, over in watch.away:
            hung = [one for one in watch.needing.between(since, over) if watch.lacks(one)]
            assert max(one.seconds for one in hung) < READ_S + 1, "no longer than a service may take"
            opened = min(one.ended for one in hung) + 0.1  # all that waited have been told
            then = [one.seconds for one in hung if one.began > opened]
            assert len(then) > NEEDING_RATE * (AWAY_S - READ_S) / 2, "most were asked after that"
            assert statistics.median(then) < AT_ONCE_S
            assert max(then) < READ_S, "who looks after it waits a little longer"
        assert gateway.most_connections <= 100, "as many as an Origin has"
        assert gateway.connections_at_last <= READ_S / LOOK_AGAIN_S + 1, "some look, nobody waits"
        assert gateway.most_memory - gateway.memory_before < MOST_MEMORY
    await trial.check()


async def test_a_service_that_is_killed_costs_its_own_fields(trial: Trial, tell: Callable[[Away], None]) -> None:
    """Once a round: it is started again at once, and what that costs the machine is no matter of the gateway's."""
    for service in services(trial):
        watch = Watch(trial, service)
        async with watch.under_load():
            for _ in watch.rounds():
                async with watch.fault():
                    pid, killed = watch.stack.pid(watch.api), time.monotonic()
                    watch.stack.kill(watch.api)
                    await watch.ready_again(pid)
                    await watch.back_again(time.monotonic())
                    await asyncio.sleep(max(0.0, killed + AWAY_S - time.monotonic()))
        line = watch.judge()
        assert line.longest < READ_S
        tell(msgspec.structs.replace(line, service=f"{service}, killed"))
    await trial.check()
