"""A bad network between orders and the broker, and between orders and PostgreSQL: slow, cut, and silent."""

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
    """Each kind of badness for a while; then good again, and the way is timed. Silent both ways, in the short form."""
    seconds = 10.0 if trial.full else 2.0
    bad: list[Callable[[], None]] = [proxy.cut, proxy.stall]
    if trial.full:
        bad += [partial(proxy.stall, "up"), partial(proxy.stall, "down")]
    try:
        carried = proxy.carried
        proxy.latency_s, proxy.bytes_per_s = latency_s, 1_000_000
        await trial.await_recovery()
        assert proxy.carried > carried, "orders goes through the proxy"
        proxy.heal()
        for begin in bad:
            begin()
            await asyncio.sleep(seconds)  # how long the fault lasts
            proxy.heal()
            await trial.await_recovery()
    finally:
        proxy.heal()
