"""Shared budgets of gateways, with a Valkey for each test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.rate_limit.shared_budgets import SharedBudgets
from gateway.rate_limit.shared_clock import SharedClock
from tests.support.servers import free_port_base
from tests.support.valkey import ControlledValkey

StartBudgets = Callable[..., SharedBudgets]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ControlledValkey]:
    valkey = ControlledValkey(tmp_path, free_port_base())
    valkey.start()
    yield valkey
    valkey.kill()


@pytest.fixture
async def start_budgets(valkey: ControlledValkey) -> AsyncIterator[StartBudgets]:
    """Return a function that makes the budgets of one of ``gateways`` and runs them until the end of the test."""
    stop = asyncio.Event()
    running: list[asyncio.Task[None]] = []

    def make(gateways: int, clock: SharedClock | None = None, url: str = "") -> SharedBudgets:
        budgets = SharedBudgets(url or valkey.url, gateways=gateways, secret=b"of all gateways", clock=clock)
        running.append(asyncio.create_task(budgets.run(stop)))
        return budgets

    yield make
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 60)
