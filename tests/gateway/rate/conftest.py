"""Gateways' budgets over a Valkey of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.rate.budgets import Budgets
from gateway.rate.shared_clock import SharedClock
from tests.support.servers import free_port_base
from tests.support.valkey import Valkey

Start = Callable[..., Budgets]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    made = Valkey(tmp_path, free_port_base())
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def start(valkey: Valkey) -> AsyncIterator[Start]:
    """Makes the budgets of one gateway out of ``gateways``, and runs their loop until the test's end."""
    stop = asyncio.Event()
    running: list[asyncio.Task[None]] = []

    def make(gateways: int, clock: SharedClock | None = None, url: str = "") -> Budgets:
        budgets = Budgets(url or valkey.url, gateways=gateways, secret=b"of all gateways", clock=clock)
        running.append(asyncio.create_task(budgets.run(stop)))
        return budgets

    yield make
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 60)
