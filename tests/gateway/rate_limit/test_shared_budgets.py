"""Several gateways over one Redis: what they let in together, and what they ask it for."""

import asyncio
import time

import pytest
import redis.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rate_limit import redis_counter
from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.redis_counter import KEY_PREFIX, RedisCounter
from gateway.rate_limit.shared_budgets import LEASE_INTERVAL_S
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import Window, grant_size
from tests.gateway.rate_limit.conftest import StartBudgets
from tests.gateway.rate_limit.spending_callers import HOURLY_POLICY, caller_with_time, exhaust, spend
from tests.support.hypothesis_profiles import max_examples, property_test
from tests.support.polling import until
from tests.support.servers import Servers
from tests.support.valkey import ControlledValkey


@pytest.fixture(autouse=True)
def long_redis_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is there, however busy the machine: when it counts as away is for other tests to see."""
    monkeypatch.setattr(redis_counter, "TIMEOUT_S", 10.0)


@pytest.mark.parametrize("cost", [1, 37, 400, 700])
async def test_together_they_let_in_the_quota_and_a_chunk_each_at_most(start_budgets: StartBudgets, cost: int) -> None:
    budgets = [start_budgets(gateways=3).budget_for(HOURLY_POLICY) for _ in range(3)]
    key = caller_with_time(budgets[0])
    let_in = 0
    for budget in budgets:
        while budget.spend(key, cost).allowed:  # as much as it can before it hears anything
            let_in += cost
    assert let_in >= 3 * cost
    let_in += sum(await asyncio.gather(*(exhaust(budget, key, cost) for budget in budgets)))
    assert let_in <= HOURLY_POLICY.quota + 3 * max(budgets[0].chunk, cost)
    # What is left of a gateway's lease may be too little for one more request.
    assert let_in > HOURLY_POLICY.quota - 3 * cost


async def test_a_gateway_that_was_asked_little_holds_little_back(start_budgets: StartBudgets) -> None:
    """Half of the quota by turns over all of four gateways, the rest at one."""
    budgets = [start_budgets(gateways=4).budget_for(HOURLY_POLICY) for _ in range(4)]
    key = caller_with_time(budgets[0])
    for number in range(500):
        assert await spend(budgets[number % 4], key, 10)
    assert 5000 + await exhaust(budgets[0], key, 10) > 0.85 * HOURLY_POLICY.quota


async def test_what_others_let_in_is_heard(start_budgets: StartBudgets) -> None:
    here, there = (start_budgets(gateways=2).budget_for(HOURLY_POLICY) for _ in range(2))
    key = caller_with_time(here)
    await exhaust(there, key, 100)

    async def look() -> bool:
        return here.spend(key, 100).retry_after > 1

    await until(look)


async def test_gateways_whose_clocks_differ_share_windows_that_begin_anew(start_budgets: StartBudgets) -> None:
    policy = Policy("user", quota=100, window_s=1)
    clocks = [SharedClock(), SharedClock(lambda: time.monotonic() + 86_400.4)]
    clocks[1].offset = 12_345.0  # as a machine has it whose date is wrong
    budgets = [start_budgets(gateways=2, clock=clock).budget_for(policy) for clock in clocks]
    await until(
        lambda: asyncio.sleep(0, clocks[0].offset - clocks[1].offset), lambda apart: abs(apart - 86_400.4) < 0.1
    )
    begun = time.monotonic()
    let_in = 0

    async def for_some_windows(budget: Budget) -> None:
        nonlocal let_in
        while time.monotonic() < begun + 3:
            let_in += budget.spend("anna", 1).allowed
            await asyncio.sleep(0.001)

    await asyncio.gather(*(for_some_windows(budget) for budget in budgets))
    assert 300 - 2 <= let_in <= 4 * (100 + 2 * budgets[0].chunk)


async def test_redis_is_asked_a_few_times_for_thousands_of_requests(
    start_budgets: StartBudgets, valkey: ControlledValkey
) -> None:
    budget = start_budgets(gateways=2).budget_for(Policy("user", quota=1_000_000, window_s=3600))
    key = caller_with_time(budget)
    for _ in range(20_000):
        assert await spend(budget, key, 40)
    assert await calls(valkey) < 40


async def test_many_callers_cost_redis_little(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    for number in range(20_000):
        budget.spend(f"10.0.{number >> 8}.{number & 255}", 100)
    await asyncio.sleep(0)
    before = await calls(valkey)
    assert before < 10, "whoever spends little is counted here only"
    for number in range(5_000):
        assert budget.spend(f"10.0.{number >> 8}.{number & 255}", 300).allowed

    await until(lambda: kept(valkey), lambda keys: keys >= 5_000)
    assert await calls(valkey) - before < 30


async def test_leases_keep_a_pace(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    begun, callers = time.monotonic(), 0
    while time.monotonic() < begun + 0.5:
        callers += 1
        budget.spend(f"caller {callers}", 400)
        await asyncio.sleep(0)
    assert callers > 200
    assert await calls(valkey) < 10 + (time.monotonic() - begun) / LEASE_INTERVAL_S


async def test_whoever_has_spent_all_costs_redis_nothing(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    key = caller_with_time(budget)
    await exhaust(budget, key, 100)
    before, begun = await calls(valkey), time.monotonic()
    while time.monotonic() < begun + 0.5:
        assert not budget.spend(key, 100).allowed
        await asyncio.sleep(0)
    assert await calls(valkey) - before < 5


async def test_whoever_was_forgotten_is_not_as_new(start_budgets: StartBudgets) -> None:
    """A caller can't be made new by calling in so many others' names that a gateway forgets them."""
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY, most_windows=10)
    key = caller_with_time(budget)
    await exhaust(budget, key, 100)
    for number in range(20):
        budget.spend(f"other {number}", 1)
    assert await exhaust(budget, key, 100) <= budget.chunk


async def test_keys_name_nobody_and_expire(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    budget.spend("203.0.113.7", 5_000)
    await until(lambda: kept(valkey), lambda keys: keys >= 2)
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        async for key in client.scan_iter():
            assert str(key, "ascii").startswith(KEY_PREFIX) and b"203.0" not in key
            assert 0 < await client.pttl(key) <= 3_605_000


@property_test
async def test_the_script_and_its_like_in_python_say_the_same(server_addresses: Servers) -> None:
    clock = SharedClock()
    count = RedisCounter(server_addresses.redis_url, 2, b"", clock)
    loop = asyncio.get_running_loop()
    budget = Budget(HOURLY_POLICY, 2, clock, lambda *_: None)

    @settings(max_examples=max_examples(200))
    @given(st.integers(0, 11_000), st.integers(-9_000, 1_000))
    def same(taken: int, left: int) -> None:
        ends = clock.monotonic() + 1
        window = Window(f"{taken} {left} {ends}", 1, ends, free=0, renew_below=0, balance=left, leased=taken)
        free = max(0, HOURLY_POLICY.quota - taken)
        granted = grant_size(free, left, budget.chunk, spread=8)
        answer = asyncio.run_coroutine_threadsafe(count.lease([(budget, window)]), loop).result(5)
        assert answer == [(granted, free - granted)]

    await asyncio.to_thread(same)
    await count.close()


async def calls(valkey: ControlledValkey) -> int:
    """How often scripts were called."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        statistics = await client.info("commandstats")
    return sum(one["calls"] for name, one in statistics.items() if name.startswith("cmdstat_eval"))


async def kept(valkey: ControlledValkey) -> int:
    """How many keys there are."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        return int(await client.dbsize())
