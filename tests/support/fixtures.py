"""Fixtures that every folder of tests may use."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from services.chassis.db import postgres
from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import Transaction
from services.hosting.blueprint import Blueprint
from tests.support.clock import TestClock
from tests.support.databases import Databases
from tests.support.servers import Servers
from tests.support.service_harness import ServiceHarness

T = TypeVar("T", bound=Transaction)
P = TypeVar("P")

MakeDatabase = Callable[[Blueprint[Any, Any]], Awaitable[str]]
MakeHarness = Callable[[Blueprint[T, P]], Awaitable[ServiceHarness[T, P]]]


@pytest.fixture
def clock() -> TestClock:
    """Wednesday, 4 March 2026, 10:00 in Helsinki."""
    return TestClock(dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC))


@pytest.fixture(scope="session")
def databases(server_addresses: Servers) -> Iterator[Databases]:
    """The databases of this test process."""
    with contextlib.closing(Databases(server_addresses)) as databases:
        yield databases


@pytest.fixture
def make_database(server_addresses: Servers, databases: Databases) -> Iterator[MakeDatabase]:
    """Make an empty, migrated database for a service, lent for the test.

    The URL is of the role that the service's processes have; ``servers.as_owner`` returns that of the owner.
    """
    with contextlib.ExitStack() as stack:

        async def make(blueprint: Blueprint[Any, Any]) -> str:
            return server_addresses.runtime_url(stack.enter_context(databases.lent(blueprint)))

        yield make


@pytest.fixture
async def open_pool() -> AsyncIterator[Callable[[str], Awaitable[Pool]]]:
    """Open pools that are closed after the test."""
    pools: list[Pool] = []

    async def make(url: str) -> Pool:
        pools.append(await postgres.open_pool(url, name="test", size=5))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
async def make_harness(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock
) -> Callable[[Blueprint[T, P]], Awaitable[ServiceHarness[T, P]]]:
    """Make a harness for a service: its use cases, reads and imports on an empty database."""

    async def make(blueprint: Blueprint[T, P]) -> ServiceHarness[T, P]:
        return ServiceHarness(blueprint, await open_pool(await make_database(blueprint)), clock)

    return make
