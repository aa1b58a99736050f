"""Shared budgets while Redis is down, stalled, slow or emptied: no request waits or fails, and sharing resumes."""

import asyncio
import time
from collections.abc import Callable

import pytest
import structlog
from prometheus_client import REGISTRY

from gateway.rate_limit.policy import Policy
from gateway.rate_limit.redis_counter import TIMEOUT_S, RedisCounter
from gateway.rate_limit.shared_budgets import SharedBudgets
from tests.gateway.rate_limit.conftest import StartBudgets
from tests.gateway.rate_limit.spending_callers import HOURLY_POLICY, caller_with_time, exhaust, spend
from tests.support.polling import until
from tests.support.servers import free_port_base
from tests.support.tcp_proxy import TcpProxy
from tests.support.valkey import ControlledValkey


async def await_standalone(budgets: SharedBudgets, expected: bool = True) -> None:
    await until(lambda: asyncio.sleep(0, budgets.is_standalone), lambda standalone: standalone is expected)


async def test_each_gateway_counts_its_share_until_redis_is_available(
    start_budgets: StartBudgets, valkey: ControlledValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = 0
    original = RedisCounter.probe

    async def probe(counter: RedisCounter) -> None:
        nonlocal probes
        probes += 1
        await original(counter)

    monkeypatch.setattr(RedisCounter, "probe", probe)
    both = [start_budgets(gateways=2) for _ in range(2)]
    budgets = [one.budget_for(HOURLY_POLICY) for one in both]
    with structlog.testing.capture_logs() as logs:
        valkey.kill()
        for one in both:
            await await_standalone(one)
        assert REGISTRY.get_sample_value("kierto_rate_limit_local") == 1
        key = caller_with_time(budgets[0])
        for budget in budgets:
            assert 5_000 - 100 < await exhaust(budget, key, 100) <= 5_000 + budget.chunk
        probes = 0
        await until(lambda: asyncio.sleep(0, probes), lambda count: count >= 4)
        valkey.start()
        for one in both:
            await await_standalone(one, False)
        assert REGISTRY.get_sample_value("kierto_rate_limit_local") == 0
    assert [log["log_level"] for log in logs] == ["warning"] * 2 + ["info"] * 2, "each logs it once"
    key = caller_with_time(budgets[0])
    admitted = sum(await asyncio.gather(*(exhaust(budget, key, 100) for budget in budgets)))
    assert HOURLY_POLICY.quota - 200 < admitted <= HOURLY_POLICY.quota + 2 * budgets[0].chunk


async def test_units_admitted_standalone_count_when_redis_is_available(
    start_budgets: StartBudgets, valkey: ControlledValkey
) -> None:
    both = [start_budgets(gateways=4) for _ in range(2)]
    here, there = (one.budget_for(HOURLY_POLICY) for one in both)
    valkey.kill()
    await await_standalone(both[0])
    key = caller_with_time(here)
    standalone = await exhaust(here, key, 100)
    assert standalone >= 2_500
    valkey.start()
    for one in both:
        await await_standalone(one, False)

    async def admits() -> bool:
        return here.spend(key, 100).allowed

    await until(admits)  # the whole quota is shared again, and most of it is free
    rest = 100 + sum(await asyncio.gather(*(exhaust(budget, key, 100) for budget in (here, there))))
    assert HOURLY_POLICY.quota - 300 < standalone + rest <= HOURLY_POLICY.quota + 2 * here.chunk


@pytest.mark.parametrize("failure", ["stopped", "stalled"])
async def test_no_request_waits_for_a_stalled_redis(
    start_budgets: StartBudgets, valkey: ControlledValkey, failure: str
) -> None:
    with TcpProxy(free_port_base(), valkey.port) as proxy:
        one = start_budgets(gateways=2, url=f"redis://127.0.0.1:{proxy.port}/0")
        budget = one.budget_for(Policy("user", quota=1_000_000, window_s=3600))
        key = caller_with_time(budget)
        await spend_a_while(lambda: budget.spend(key, 20).allowed, 0.2)
        assert not one.is_standalone
        (valkey.pause if failure == "stopped" else proxy.stall)()
        await spend_a_while(lambda: budget.spend(key, 20).allowed, 1.0)
        await await_standalone(one)
        (valkey.resume if failure == "stopped" else proxy.heal)()
        await await_standalone(one, False)


async def test_an_emptied_redis_gets_the_leases_again(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    one = start_budgets(gateways=2)
    budget = one.budget_for(HOURLY_POLICY)
    key = caller_with_time(budget)
    for _ in range(40):
        assert await spend(budget, key, 100) == 100
        await asyncio.sleep(0.005)
    valkey.kill()
    valkey.start()
    await await_standalone(one, False)
    rest = await exhaust(budget, key, 100)
    assert HOURLY_POLICY.quota - 100 <= 4_000 + rest <= HOURLY_POLICY.quota + budget.chunk, (
        "the gateway reported its leases again"
    )


async def test_a_slow_redis_is_unavailable(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    with TcpProxy(free_port_base(), valkey.port) as proxy:
        proxy.latency_s = TIMEOUT_S
        one = start_budgets(gateways=2, url=f"redis://127.0.0.1:{proxy.port}/0")
        await await_standalone(one)
        proxy.heal()
        await await_standalone(one, False)


async def test_budgets_stop_at_once_while_redis_hangs(valkey: ControlledValkey) -> None:
    budgets, stop = SharedBudgets(valkey.url, gateways=1, secret=b""), asyncio.Event()
    running = asyncio.create_task(budgets.run(stop))
    valkey.pause()
    await await_standalone(budgets)
    started_at = time.monotonic()
    stop.set()
    await running
    assert time.monotonic() - started_at < 20
    valkey.resume()


async def spend_a_while(spends: Callable[[], bool], seconds: float) -> None:
    """Spend every 2 ms: each request is admitted, without delay."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started_at = time.perf_counter()
        assert spends()
        assert time.perf_counter() - started_at < 2
        await asyncio.sleep(0.002)
