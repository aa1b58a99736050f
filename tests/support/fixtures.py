"""Fixtures that every folder of tests may use."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
import pytest

from services.chassis.db import postgres
from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import Transaction
from services.chassis.ids import new_uuid
from services.hosting import processes
from services.hosting.blueprint import Blueprint
from tests.support.clock import TestClock
from tests.support.servers import OWNER, RUNTIME, Servers, as_owner
from tests.support.service_harness import ServiceHarness

T = TypeVar("T", bound=Transaction)
P = TypeVar("P")

MakeDatabase = Callable[[Blueprint[Any, Any]], Awaitable[str]]
MakeHarness = Callable[[Blueprint[T, P]], Awaitable[ServiceHarness[T, P]]]

_migrated: set[str] = set()


@pytest.fixture
def clock() -> TestClock:
    """Wednesday, 4 March 2026, 10:00 in Helsinki."""
    return TestClock(dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC))


@pytest.fixture
async def make_database(server_addresses: Servers) -> AsyncIterator[MakeDatabase]:
    """Make an empty, migrated database for a service, copied from a template; dropped after the test.

    The URL is of the role that the service's processes have; ``servers.as_owner`` returns that of the owner.
    """
    names: list[str] = []
    admin = await asyncpg.connect(server_addresses.database_url("postgres"))

    async def make(blueprint: Blueprint[Any, Any]) -> str:
        template = await _template(admin, server_addresses, blueprint)
        name = f"test_{new_uuid().hex}"
        await admin.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY")
        await admin.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
        names.append(name)
        return server_addresses.runtime_url(name)

    yield make
    for name in names:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


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


async def _template(admin: "asyncpg.Connection[Any]", servers: Servers, blueprint: Blueprint[Any, Any]) -> str:
    """Return a migrated database of this service to copy from; the first test process makes it."""
    name = f"template_{blueprint.name}"
    if name in _migrated:
        return name
    lock = f"SELECT pg_advisory_{{}}lock(hashtext('{name}'))"
    await admin.execute(lock.format(""))
    try:
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await _make_roles(admin, servers)
            await admin.execute(f"CREATE DATABASE {name}_new OWNER {OWNER}")
            url = servers.runtime_url(f"{name}_new")
            processes.migrate(blueprint, as_owner(url), url)
            await admin.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    finally:
        await admin.execute(lock.format("un"))
    _migrated.add(name)
    return name


async def _make_roles(admin: "asyncpg.Connection[Any]", servers: Servers) -> None:
    async with admin.transaction():
        await admin.execute("SELECT pg_advisory_xact_lock(hashtext('test_roles'))")
        for role in (OWNER, RUNTIME):
            if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{servers.password}'")
