"""Budgets that several gateways share through Redis: the units admitted in all, and the calls to Redis."""

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
    """A timeout that a busy machine does not reach; other tests are about an unavailable Redis."""
    monkeypatch.setattr(redis_counter, "TIMEOUT_S", 10.0)


@pytest.mark.parametrize("cost", [1, 37, 400, 700])
async def test_gateways_admit_at_most_the_quota_and_a_chunk_each(start_budgets: StartBudgets, cost: int) -> None:
    budgets = [start_budgets(gateways=3).budget_for(HOURLY_POLICY) for _ in range(3)]
    key = caller_with_time(budgets[0])
    admitted = 0
    for budget in budgets:
        while budget.spend(key, cost).allowed:  # until the first lease arrives
            admitted += cost
    assert admitted >= 3 * cost
    admitted += sum(await asyncio.gather(*(exhaust(budget, key, cost) for budget in budgets)))
    assert admitted <= HOURLY_POLICY.quota + 3 * max(budgets[0].chunk, cost)
    # The rest of a gateway's lease may be less than the cost of a request.
    assert admitted > HOURLY_POLICY.quota - 3 * cost


async def test_a_gateway_with_few_requests_leases_few_units(start_budgets: StartBudgets) -> None:
    """Half of the quota is spent in turn at four gateways, the rest at one."""
    budgets = [start_budgets(gateways=4).budget_for(HOURLY_POLICY) for _ in range(4)]
    key = caller_with_time(budgets[0])
    for number in range(500):
        assert await spend(budgets[number % 4], key, 10)
    assert 5000 + await exhaust(budgets[0], key, 10) > 0.85 * HOURLY_POLICY.quota


async def test_units_admitted_by_other_gateways_count(start_budgets: StartBudgets) -> None:
    here, there = (start_budgets(gateways=2).budget_for(HOURLY_POLICY) for _ in range(2))
    key = caller_with_time(here)
    await exhaust(there, key, 100)

    async def is_exhausted() -> bool:
        return here.spend(key, 100).retry_after > 1

    await until(is_exhausted)


async def test_gateways_with_different_clocks_share_windows(start_budgets: StartBudgets) -> None:
    policy = Policy("user", quota=100, window_s=1)
    clocks = [SharedClock(), SharedClock(lambda: time.monotonic() + 86_400.4)]
    clocks[1].offset = 12_345.0  # of a machine with a wrong date
    budgets = [start_budgets(gateways=2, clock=clock).budget_for(policy) for clock in clocks]
    await until(
        lambda: asyncio.sleep(0, clocks[0].offset - clocks[1].offset),
        lambda difference: abs(difference - 86_400.4) < 0.1,
    )
    started_at = time.monotonic()
    admitted = 0

    async def spend_for_some_windows(budget: Budget) -> None:
        nonlocal admitted
        while time.monotonic() < started_at + 3:
            admitted += budget.spend("anna", 1).allowed
            await asyncio.sleep(0.001)

    await asyncio.gather(*(spend_for_some_windows(budget) for budget in budgets))
    assert 300 - 2 <= admitted <= 4 * (100 + 2 * budgets[0].chunk)


async def test_thousands_of_requests_cause_few_calls_to_redis(
    start_budgets: StartBudgets, valkey: ControlledValkey
) -> None:
    budget = start_budgets(gateways=2).budget_for(Policy("user", quota=1_000_000, window_s=3600))
    key = caller_with_time(budget)
    for _ in range(20_000):
        assert await spend(budget, key, 40)
    assert await script_calls(valkey) < 40


async def test_many_callers_cause_few_calls_to_redis(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    for number in range(20_000):
        budget.spend(f"10.0.{number >> 8}.{number & 255}", 100)
    await asyncio.sleep(0)
    before = await script_calls(valkey)
    assert before < 10, "callers who spend little are counted in the process only"
    for number in range(5_000):
        assert budget.spend(f"10.0.{number >> 8}.{number & 255}", 300).allowed

    await until(lambda: key_count(valkey), lambda keys: keys >= 5_000)
    assert await script_calls(valkey) - before < 30


async def test_calls_for_leases_keep_their_interval(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    started_at, callers = time.monotonic(), 0
    while time.monotonic() < started_at + 0.5:
        callers += 1
        budget.spend(f"caller {callers}", 400)
        await asyncio.sleep(0)
    assert callers > 20
    assert await script_calls(valkey) < 10 + (time.monotonic() - started_at) / LEASE_INTERVAL_S


async def test_callers_with_an_exhausted_quota_cause_no_calls_to_redis(
    start_budgets: StartBudgets, valkey: ControlledValkey
) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    key = caller_with_time(budget)
    await exhaust(budget, key, 100)
    before, started_at = await script_calls(valkey), time.monotonic()
    while time.monotonic() < started_at + 0.5:
        assert not budget.spend(key, 100).allowed
        await asyncio.sleep(0)
    assert await script_calls(valkey) - before < 5


async def test_an_evicted_caller_does_not_get_a_new_quota(start_budgets: StartBudgets) -> None:
    """Requests in the names of many other callers, which evict a window, do not reset its quota."""
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY, max_windows=10)
    key = caller_with_time(budget)
    await exhaust(budget, key, 100)
    for number in range(20):
        budget.spend(f"other {number}", 1)
    assert await exhaust(budget, key, 100) <= budget.chunk


async def test_keys_contain_no_addresses_and_expire(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    budget = start_budgets(gateways=2).budget_for(HOURLY_POLICY)
    budget.spend("203.0.113.7", 5_000)
    await until(lambda: key_count(valkey), lambda keys: keys >= 2)
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        async for key in client.scan_iter():
            assert str(key, "ascii").startswith(KEY_PREFIX) and b"203.0" not in key
            assert 0 < await client.pttl(key) <= 3_605_000


@property_test
async def test_the_script_grants_what_grant_size_does(server_addresses: Servers) -> None:
    clock = SharedClock()
    counter = RedisCounter(server_addresses.redis_url, 2, b"", clock)
    loop = asyncio.get_running_loop()
    budget = Budget(HOURLY_POLICY, 2, clock, lambda *_: None)

    @settings(max_examples=max_examples(200))
    @given(st.integers(0, 11_000), st.integers(-9_000, 1_000))
    def check_grant(leased: int, balance: int) -> None:
        ends_at = clock.monotonic() + 1
        key = f"{leased} {balance} {ends_at}"
        window = Window(key, 1, ends_at, free=0, renew_below=0, balance=balance, leased=leased)
        free = max(0, HOURLY_POLICY.quota - leased)
        granted = grant_size(free, balance, budget.chunk, divisor=8)
        leases = asyncio.run_coroutine_threadsafe(counter.lease([(budget, window)]), loop).result(5)
        assert leases == [(granted, free - granted)]

    await asyncio.to_thread(check_grant)
    await counter.close()


async def script_calls(valkey: ControlledValkey) -> int:
    """Count the calls of scripts."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        statistics = await client.info("commandstats")
    return sum(one["calls"] for name, one in statistics.items() if name.startswith("cmdstat_eval"))


async def key_count(valkey: ControlledValkey) -> int:
    """Count the keys."""
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        return int(await client.dbsize())
