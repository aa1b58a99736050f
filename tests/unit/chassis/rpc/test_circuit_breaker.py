"""Circuit breaker and retry budget: when the breaker opens, when it probes, and how many calls are retried."""

import asyncio

from prometheus_client import REGISTRY

from services.chassis.rpc.circuit_breaker import FAILURE_THRESHOLD, PROBE_INTERVAL_S, CircuitBreaker
from services.chassis.rpc.retry_budget import CALLS_PER_RETRY, MAX_SAVED_RETRIES, RetryBudget
from tests.support.polling import until


class BreakerFixture:
    """A breaker with the test's clock, and a service whose health the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.back = False
        self.looks = 0
        self.times_opened = 0
        self.responded = asyncio.Event()
        self.responded.set()
        self.breaker = CircuitBreaker("watched", self._look, self._opened, lambda: self.now)

    async def _look(self) -> bool:
        self.looks += 1
        await self.responded.wait()
        return self.back

    def _opened(self) -> None:
        self.times_opened += 1

    def fail(self, times: int = FAILURE_THRESHOLD) -> None:
        for _ in range(times):
            self.breaker.record_failure(self.breaker.successes)

    def later(self) -> None:
        self.now += PROBE_INTERVAL_S

    @property
    def shown(self) -> float | None:
        return REGISTRY.get_sample_value("kierto_circuit_breaker_open", {"service": "watched"})


def test_the_breaker_opens_after_consecutive_failures() -> None:
    watched = BreakerFixture()
    assert watched.shown == 0
    watched.fail(FAILURE_THRESHOLD - 1)
    assert not watched.breaker.open
    watched.fail(1)
    assert (watched.breaker.open, watched.times_opened, watched.shown) == (True, 1, 1)
    watched.fail()  # failures of calls that were already sent
    assert watched.times_opened == 1


def test_a_success_resets_the_count_of_failures() -> None:
    watched = BreakerFixture()
    for _ in range(3):
        watched.fail(FAILURE_THRESHOLD - 1)
        watched.breaker.record_success()
    assert not watched.breaker.open


def test_failures_beside_successes_do_not_count() -> None:
    watched = BreakerFixture()
    began = watched.breaker.successes
    watched.breaker.record_success()
    for _ in range(100):
        watched.breaker.record_failure(began)
    assert not watched.breaker.open


async def test_an_open_breaker_sends_one_probe_an_interval() -> None:
    watched = BreakerFixture()
    watched.fail()
    assert not await watched.breaker.try_close()
    assert watched.looks == 0
    for looks in (1, 2):
        watched.later()
        assert await asyncio.gather(*(watched.breaker.try_close() for _ in range(50))) == [False] * 50
        assert watched.looks == looks


async def test_the_breaker_closes_when_the_service_is_ready() -> None:
    watched = BreakerFixture()
    watched.fail()
    watched.later()
    watched.back = True
    assert sum(await asyncio.gather(*(watched.breaker.try_close() for _ in range(50)))) == 1
    assert watched.looks == 1
    assert (watched.breaker.open, watched.shown) == (False, 0)


async def test_after_a_probe_one_failure_opens_it_and_one_success_resets_it() -> None:
    watched = BreakerFixture()
    watched.back = True
    for times in (1, 2):
        watched.fail(FAILURE_THRESHOLD if times == 1 else 1)
        assert (watched.breaker.open, watched.times_opened) == (True, times)
        watched.later()
        assert await watched.breaker.try_close()
    watched.breaker.record_success()
    watched.fail(FAILURE_THRESHOLD - 1)
    assert not watched.breaker.open


async def test_a_probe_continues_without_its_caller() -> None:
    watched = BreakerFixture()
    watched.fail()
    watched.responded.clear()
    watched.later()
    gone = asyncio.create_task(watched.breaker.try_close())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    watched.later()
    assert not await watched.breaker.try_close()
    assert watched.looks == 2
    watched.back = True
    watched.responded.set()
    await until(lambda: asyncio.sleep(0, watched.breaker.open), lambda still_open: not still_open)


def test_retries_are_at_most_a_tenth_of_the_calls() -> None:
    budget = RetryBudget()
    assert [budget.take(0) for _ in range(MAX_SAVED_RETRIES + 1)] == [True] * MAX_SAVED_RETRIES + [False]
    retries = sum(budget.take(answers) for answers in range(1, 1001))
    assert retries == 1000 // CALLS_PER_RETRY


def test_saved_retries_have_a_maximum() -> None:
    budget = RetryBudget()
    assert sum(budget.take(1_000_000) for _ in range(1000)) == MAX_SAVED_RETRIES
