"""Several gateways over one Redis: what they let in together, and what they ask it for."""

import asyncio
import time

import pytest
import redis.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rate import redis_count
from gateway.rate.budget import Budget
from gateway.rate.budgets import PACE_S
from gateway.rate.policy import Policy
from gateway.rate.redis_count import PREFIX, RedisCount
from gateway.rate.shared_clock import SharedClock
from gateway.rate.window import Window, granted_of
from tests.gateway.rate.conftest import Start
from tests.gateway.rate.spending import HOURLY, caller_with_time, spend, spend_all
from tests.support.properties import draws, examples
from tests.support.servers import Servers
from tests.support.valkey import Valkey
from tests.support.wait import until


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is there, however busy the machine: when it counts as away is for other tests to see."""
    monkeypatch.setattr(redis_count, "ANSWER_S", 10.0)


@pytest.mark.parametrize("cost", [1, 37, 400, 700])
async def test_together_they_let_in_the_quota_and_a_chunk_each_at_most(start: Start, cost: int) -> None:
    budgets = [start(gateways=3).under(HOURLY) for _ in range(3)]
    key = caller_with_time(budgets[0])
    let_in = 0
    for budget in budgets:
        while budget.spend(key, cost).allowed:  # as much as it can before it hears anything
            let_in += cost
    assert let_in >= 3 * cost
    let_in += sum(await asyncio.gather(*(spend_all(budget, key, cost) for budget in budgets)))
    assert let_in <= HOURLY.quota + 3 * max(budgets[0].chunk, cost)
    # What is left of a gateway's lease may be too little for one more request.
    assert let_in > HOURLY.quota - 3 * cost


async def test_a_gateway_that_was_asked_little_holds_little_back(start: Start) -> None:
    """Half of the quota by turns over all of four gateways, the rest at one."""
    budgets = [start(gateways=4).under(HOURLY) for _ in range(4)]
    key = caller_with_time(budgets[0])
    for number in range(500):
        assert await spend(budgets[number % 4], key, 10)
    assert 5000 + await spend_all(budgets[0], key, 10) > 0.85 * HOURLY.quota


async def test_what_others_let_in_is_heard(start: Start) -> None:
    here, there = (start(gateways=2).under(HOURLY) for _ in range(2))
    key = caller_with_time(here)
    await spend_all(there, key, 100)

    async def look() -> bool:
        return here.spend(key, 100).retry_after > 1

    await until(look)


async def test_gateways_whose_clocks_differ_share_windows_that_begin_anew(start: Start) -> None:
    policy = Policy("user", quota=100, window_s=1)
    clocks = [SharedClock(), SharedClock(lambda: time.monotonic() + 86_400.4)]
    clocks[1].ahead = 12_345.0  # as a machine has it whose date is wrong
    budgets = [start(gateways=2, clock=clock).under(policy) for clock in clocks]
    await until(lambda: asyncio.sleep(0, clocks[0].ahead - clocks[1].ahead), lambda apart: abs(apart - 86_400.4) < 0.1)
    begun = time.monotonic()
    let_in = 0

    async def for_some_windows(budget: Budget) -> None:
        nonlocal let_in
        while time.monotonic() < begun + 3:
            let_in += budget.spend("anna", 1).allowed
            await asyncio.sleep(0.001)

    await asyncio.gather(*(for_some_windows(budget) for budget in budgets))
    assert 300 - 2 <= let_in <= 4 * (100 + 2 * budgets[0].chunk)


async def test_redis_is_asked_a_few_times_for_thousands_of_requests(start: Start, valkey: Valkey) -> None:
    budget = start(gateways=2).under(Policy("user", quota=1_000_000, window_s=3600))
    key = caller_with_time(budget)
    for _ in range(20_000):
        assert await spend(budget, key, 40)
    assert await calls(valkey) < 40


async def test_many_callers_cost_redis_little(start: Start, valkey: Valkey) -> None:
    budget = start(gateways=2).under(HOURLY)
    for number in range(20_000):
        budget.spend(f"10.0.{number >> 8}.{number & 255}", 100)
    await asyncio.sleep(0)
    before = await calls(valkey)
    assert before < 10, "whoever spends little is counted here only"
    for number in range(5_000):
        assert budget.spend(f"10.0.{number >> 8}.{number & 255}", 300).allowed

    await until(lambda: kept(valkey), lambda keys: keys >= 5_000)
    assert await calls(valkey) - before < 30


async def test_leases_keep_a_pace(start: Start, valkey: Valkey) -> None:
    budget = start(gateways=2).under(HOURLY)
    begun, callers = time.monotonic(), 0
    while time.monotonic() < begun + 0.5:
        callers += 1
        budget.spend(f"caller {callers}", 400)
        await asyncio.sleep(0)
    assert callers > 200
    assert await calls(valkey) < 10 + (time.monotonic() - begun) / PACE_S


async def test_whoever_has_spent_all_costs_redis_nothing(start: Start, valkey: Valkey) -> None:
    budget = start(gateways=2).under(HOURLY)
    key = caller_with_time(budget)
    await spend_all(budget, key, 100)
    before, begun = await calls(valkey), time.monotonic()
    while time.monotonic() < begun + 0.5:
        assert not budget.spend(key, 100).allowed
        await asyncio.sleep(0)
    assert await calls(valkey) - before < 5


async def test_whoever_was_forgotten_is_not_as_new(start: Start) -> None:
    """A caller can't be made new by calling in so many others' names that a gateway forgets them."""
    budget = start(gateways=2).under(HOURLY, most_windows=10)
    key = caller_with_time(budget)
    await spend_all(budget, key, 100)
    for number in range(20):
        budget.spend(f"other {number}", 1)
    assert await spend_all(budget, key, 100) <= budget.chunk


async def test_keys_name_nobody_and_expire(start: Start, valkey: Valkey) -> None:
    budget = start(gateways=2).under(HOURLY)
    budget.spend("203.0.113.7", 5_000)
    await until(lambda: kept(valkey), lambda keys: keys >= 2)
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        async for key in client.scan_iter():
            assert str(key, "ascii").startswith(PREFIX) and b"203.0" not in key
            assert 0 < await client.pttl(key) <= 3_605_000


@draws
async def test_the_script_and_its_like_in_python_say_the_same(server_addresses: Servers) -> None:
    clock = SharedClock()
    count = RedisCount(server_addresses.redis_url, 2, b"", clock)
    loop = asyncio.get_running_loop()
    budget = Budget(HOURLY, 2, clock, lambda *_: None)

    @settings(max_examples=examples(200))
    @given(st.integers(0, 11_000), st.integers(-9_000, 1_000))
    def same(taken: int, left: int) -> None:
        ends = clock.steady() + 1
        window = Window(f"{taken} {left} {ends}", 1, ends, free=0, low=0, left=left, taken=taken)
        free = max(0, HOURLY.quota - taken)
        granted = granted_of(free, left, budget.chunk, spread=8)
        answer = asyncio.run_coroutine_threadsafe(count.lease([(budget, window)]), loop).result(5)
        assert answer == [(granted, free - granted)]

    await asyncio.to_thread(same)
    await count.close()


async def calls(valkey: Valkey) -> int:
    """How often scripts were called."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        statistics = await client.info("commandstats")
    return sum(one["calls"] for name, one in statistics.items() if name.startswith("cmdstat_eval"))


async def kept(valkey: Valkey) -> int:
    """How many keys there are."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        return int(await client.dbsize())
