"""Test of a relay that is stopped for longer than its lease: another leads, and the first does no harm afterwards."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults.stack_fixture import FaultStack
from tests.faults.trial import Trial
from tests.support.log_tail import LogTail
from tests.support.polling import until
from tests.support.servers import ROOT

pytestmark = pytest.mark.timeout(600)


async def test_a_relay_is_stopped_for_longer_than_its_lease_and_continued(trial: Trial) -> None:
    async with trial.under_load("leading relay stopped (SIGSTOP) for longer than its lease, continued"):
        for _ in range(3 if trial.full else 1):
            first = LogTail(trial.stack.home.log("orders-relay"))
            with second_relay(trial.fault_stack):
                assert await holder(trial.fault_stack) == "orders.1"
                trial.stack.signal("orders-relay", signal.SIGSTOP)
                try:
                    await until(lambda: holder(trial.fault_stack), lambda name: name == "orders.2")
                    await trial.await_recovery()
                finally:
                    trial.stack.signal("orders-relay", signal.SIGCONT)
                events: list[object] = []

                async def log_events() -> list[object]:
                    events.extend(line.get("event") for line in first.new_lines())  # noqa: B023 - awaited in this turn
                    return events  # noqa: B023

                await until(log_events, lambda events: "relay lost leadership" in events)
                assert await holder(trial.fault_stack) == "orders.2", "the former leader does not take back the lease"
            await until(lambda: holder(trial.fault_stack), lambda name: name == "orders.1")
            await trial.await_recovery()


@contextlib.contextmanager
def second_relay(fault_stack: FaultStack) -> Iterator[None]:
    """Run another relay of orders, as on a second machine."""
    settings = fault_stack.environment.of_service("orders", "relay") | {
        "KIERTO_SLOT": "2",
        "KIERTO_LISTEN": f"127.0.0.1:{fault_stack.stack.ports.base + 89}",
        "KIERTO_METRICS_LISTEN": "",  # else it would be that of the first
        "KIERTO_KAFKA": fault_stack.broker.address,
        "PYTHONPATH": str(ROOT),
    }
    with (fault_stack.stack.home.log("orders-relay-2")).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.orders", "relay"], env=settings, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)


async def holder(fault_stack: FaultStack) -> str:
    """Return the holder of the lease in orders' database."""
    async with fault_stack.databases() as databases:
        await asyncio.sleep(0)
        name: str = await databases["orders"].fetchval("SELECT holder FROM chassis.leader")
        return name
