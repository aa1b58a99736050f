"""Tests of a bad network from orders to the broker and to PostgreSQL: slow, cut, and silent."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.trial import Trial
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.timeout(900)


async def test_a_bad_network_between_orders_and_the_broker(trial: Trial) -> None:
    async with trial.under_load("network between orders and the broker slow, cut, silent"):
        await run_network_faults(trial, trial.fault_stack.kafka_proxy, latency_s=0.05)


async def test_a_bad_network_between_orders_and_postgres(trial: Trial) -> None:
    async with trial.under_load("network between orders and PostgreSQL slow, cut, silent"):
        await run_network_faults(trial, trial.fault_stack.postgres_proxy, latency_s=0.01)


async def run_network_faults(trial: Trial, proxy: TcpProxy, latency_s: float) -> None:
    """Apply each fault for a while, heal it, and time the recovery. The short form stalls both directions only."""
    seconds = 10.0 if trial.full else 2.0
    faults: list[Callable[[], None]] = [proxy.cut, proxy.stall]
    if trial.full:
        faults += [partial(proxy.stall, "up"), partial(proxy.stall, "down")]
    try:
        carried = proxy.carried
        proxy.latency_s, proxy.bytes_per_s = latency_s, 1_000_000
        await trial.await_recovery()
        assert proxy.carried > carried, "orders goes through the proxy"
        proxy.heal()
        for apply in faults:
            apply()
            await asyncio.sleep(seconds)  # the duration of the fault
            proxy.heal()
            await trial.await_recovery()
    finally:
        proxy.heal()
