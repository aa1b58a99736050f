"""When a service is given up, when somebody looks after it, and how many calls are made a second time."""

import asyncio

from prometheus_client import REGISTRY

from services.chassis.rpc.breaker import LOOK_AGAIN_S, MOST_FAILURES, Breaker
from services.chassis.rpc.repeating import ANSWERS_EACH, MOST_SAVED, Repeats
from tests.support.wait import until


class Watched:
    """A breaker with a clock in the test's hand, and a service that is back when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.back = False
        self.looks = 0
        self.times_opened = 0
        self.told = asyncio.Event()
        self.told.set()
        self.breaker = Breaker("watched", self._look, self._opened, lambda: self.now)

    async def _look(self) -> bool:
        self.looks += 1
        await self.told.wait()
        return self.back

    def _opened(self) -> None:
        self.times_opened += 1

    def fail(self, times: int = MOST_FAILURES) -> None:
        for _ in range(times):
            self.breaker.failed(self.breaker.answers)

    def later(self) -> None:
        self.now += LOOK_AGAIN_S

    @property
    def shown(self) -> float | None:
        return REGISTRY.get_sample_value("kierto_breaker_open", {"service": "watched"})


def test_it_opens_after_several_failures_in_a_row() -> None:
    watched = Watched()
    assert watched.shown == 0
    watched.fail(MOST_FAILURES - 1)
    assert not watched.breaker.open
    watched.fail(1)
    assert (watched.breaker.open, watched.times_opened, watched.shown) == (True, 1, 1)
    watched.fail()  # those that were on their way
    assert watched.times_opened == 1


def test_an_answer_between_them_begins_the_row_anew() -> None:
    watched = Watched()
    for _ in range(3):
        watched.fail(MOST_FAILURES - 1)
        watched.breaker.answered()
    assert not watched.breaker.open


def test_who_had_no_answer_while_others_had_is_not_counted() -> None:
    watched = Watched()
    began = watched.breaker.answers
    watched.breaker.answered()
    for _ in range(100):
        watched.breaker.failed(began)
    assert not watched.breaker.open


async def test_while_it_is_open_one_looks_now_and_then() -> None:
    watched = Watched()
    watched.fail()
    assert not await watched.breaker.closes()
    assert watched.looks == 0
    for looks in (1, 2):
        watched.later()
        assert await asyncio.gather(*(watched.breaker.closes() for _ in range(50))) == [False] * 50
        assert watched.looks == looks


async def test_it_closes_when_the_service_is_back() -> None:
    watched = Watched()
    watched.fail()
    watched.later()
    watched.back = True
    assert sum(await asyncio.gather(*(watched.breaker.closes() for _ in range(50)))) == 1
    assert watched.looks == 1
    assert (watched.breaker.open, watched.shown) == (False, 0)


async def test_one_failure_after_that_opens_it_again_and_one_answer_makes_it_well() -> None:
    watched = Watched()
    watched.back = True
    for times in (1, 2):
        watched.fail(MOST_FAILURES if times == 1 else 1)
        assert (watched.breaker.open, watched.times_opened) == (True, times)
        watched.later()
        assert await watched.breaker.closes()
    watched.breaker.answered()
    watched.fail(MOST_FAILURES - 1)
    assert not watched.breaker.open


async def test_a_look_goes_on_when_its_caller_is_gone_or_told_no() -> None:
    watched = Watched()
    watched.fail()
    watched.told.clear()
    watched.later()
    gone = asyncio.create_task(watched.breaker.closes())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    watched.later()
    assert not await watched.breaker.closes()
    assert watched.looks == 2
    watched.back = True
    watched.told.set()
    await until(lambda: asyncio.sleep(0, watched.breaker.open), lambda still_open: not still_open)


def test_repetitions_are_at_most_a_tenth_of_the_calls() -> None:
    repeats = Repeats()
    assert [repeats.take(0) for _ in range(MOST_SAVED + 1)] == [True] * MOST_SAVED + [False]
    taken = sum(repeats.take(answers) for answers in range(1, 1001))
    assert taken == 1000 // ANSWERS_EACH


def test_they_are_not_saved_up_for_ever() -> None:
    repeats = Repeats()
    assert sum(repeats.take(1_000_000) for _ in range(1000)) == MOST_SAVED
