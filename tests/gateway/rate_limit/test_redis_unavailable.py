"""Redis gone, stuck, or emptied: nobody waits, nobody fails for it, and sharing goes on by itself."""

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
from tests.gateway.rate_limit.spending_callers import HOURLY_POLICY, caller_with_time, exhaust
from tests.support.polling import until
from tests.support.servers import free_port_base
from tests.support.tcp_proxy import TcpProxy
from tests.support.valkey import ControlledValkey


async def alone(budgets: SharedBudgets, is_so: bool = True) -> None:
    await until(lambda: asyncio.sleep(0, budgets.is_standalone), lambda it: it is is_so)


async def test_each_counts_its_share_and_both_share_again(
    start_budgets: StartBudgets, valkey: ControlledValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    really_look = RedisCounter.probe

    async def look(count: RedisCounter) -> None:
        nonlocal looks
        looks += 1
        await really_look(count)

    monkeypatch.setattr(RedisCounter, "probe", look)
    both = [start_budgets(gateways=2) for _ in range(2)]
    budgets = [one.budget_for(HOURLY_POLICY) for one in both]
    with structlog.testing.capture_logs() as logs:
        valkey.kill()
        for one in both:
            await alone(one)
        assert REGISTRY.get_sample_value("kierto_rate_alone") == 1
        key = caller_with_time(budgets[0])
        for budget in budgets:
            assert 5_000 - 100 < await exhaust(budget, key, 100) <= 5_000 + budget.chunk
        looks = 0
        await until(lambda: asyncio.sleep(0, looks), lambda so_far: so_far >= 4)
        valkey.start()
        for one in both:
            await alone(one, False)
        assert REGISTRY.get_sample_value("kierto_rate_alone") == 0
    assert [log["log_level"] for log in logs] == ["warning"] * 2 + ["info"] * 2, "said once by each"
    key = caller_with_time(budgets[0])
    let_in = sum(await asyncio.gather(*(exhaust(budget, key, 100) for budget in budgets)))
    assert HOURLY_POLICY.quota - 200 < let_in <= HOURLY_POLICY.quota + 2 * budgets[0].chunk


async def test_what_was_let_in_alone_counts_when_redis_is_back(
    start_budgets: StartBudgets, valkey: ControlledValkey
) -> None:
    both = [start_budgets(gateways=4) for _ in range(2)]
    here, there = (one.budget_for(HOURLY_POLICY) for one in both)
    valkey.kill()
    await alone(both[0])
    key = caller_with_time(here)
    counted_alone = await exhaust(here, key, 100)
    assert counted_alone >= 2_500
    valkey.start()
    for one in both:
        await alone(one, False)

    async def let_in() -> bool:
        return here.spend(key, 100).allowed

    await until(let_in)  # the whole quota is shared again, and most of it is there
    rest = 100 + sum(await asyncio.gather(*(exhaust(budget, key, 100) for budget in (here, there))))
    assert HOURLY_POLICY.quota - 300 < counted_alone + rest <= HOURLY_POLICY.quota + 2 * here.chunk


@pytest.mark.parametrize("how", ["stopped", "stalled"])
async def test_one_that_hangs_holds_nobody_up(start_budgets: StartBudgets, valkey: ControlledValkey, how: str) -> None:
    with TcpProxy(free_port_base(), valkey.port) as proxy:
        one = start_budgets(gateways=2, url=f"redis://127.0.0.1:{proxy.port}/0")
        budget = one.budget_for(Policy("user", quota=1_000_000, window_s=3600))
        key = caller_with_time(budget)
        await spend_a_while(lambda: budget.spend(key, 20).allowed, 0.2)
        assert not one.is_standalone
        (valkey.pause if how == "stopped" else proxy.stall)()
        await spend_a_while(lambda: budget.spend(key, 20).allowed, 1.0)
        await alone(one)
        (valkey.resume if how == "stopped" else proxy.heal)()
        await alone(one, False)


async def test_one_that_was_emptied_goes_on(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    one = start_budgets(gateways=2)
    budget = one.budget_for(HOURLY_POLICY)
    key = caller_with_time(budget)
    for _ in range(40):
        assert budget.spend(key, 100).allowed
        await asyncio.sleep(0.005)
    valkey.kill()
    valkey.start()
    await alone(one, False)
    rest = await exhaust(budget, key, 100)
    assert HOURLY_POLICY.quota - 100 <= 4_000 + rest <= HOURLY_POLICY.quota + budget.chunk, (
        "it told again what it had taken"
    )


async def test_a_slow_one_is_away(start_budgets: StartBudgets, valkey: ControlledValkey) -> None:
    with TcpProxy(free_port_base(), valkey.port) as proxy:
        proxy.latency_s = TIMEOUT_S
        one = start_budgets(gateways=2, url=f"redis://127.0.0.1:{proxy.port}/0")
        await alone(one)
        proxy.heal()
        await alone(one, False)


async def test_it_stops_at_once_while_redis_hangs(valkey: ControlledValkey) -> None:
    budgets, stop = SharedBudgets(valkey.url, gateways=1, secret=b""), asyncio.Event()
    running = asyncio.create_task(budgets.run(stop))
    valkey.pause()
    await alone(budgets)
    begun = time.monotonic()
    stop.set()
    await running
    assert time.monotonic() - begun < 20
    valkey.resume()


async def spend_a_while(spends: Callable[[], bool], seconds: float) -> None:
    """A request each 2 ms: all are let in, and none is held up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        assert spends()
        assert time.perf_counter() - begun < 2
        await asyncio.sleep(0.002)
