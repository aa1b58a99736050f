"""Fixtures of five services with data."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.chassis.db.postgres import Pool
from services.identity.settings import IdentitySettings
from tests.component.identity.conftest import settings
from tests.integration.copies.services_fixture import SERVICES, ServicesFixture
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.servers import Servers
from tests.support.service_harness import ServiceHarness

__all__ = ["settings"]


@pytest.fixture
async def stopped_services(
    server_addresses: Servers,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    settings: IdentitySettings,
) -> ServicesFixture:
    """All five services, empty and stopped."""
    urls = {blueprint.name: await make_database(blueprint) for blueprint in SERVICES}
    harnesses = {
        blueprint.name: ServiceHarness(blueprint, await open_pool(urls[blueprint.name]), clock)
        for blueprint in SERVICES
    }
    harnesses["identity"].settings = settings
    return ServicesFixture(server_addresses, harnesses, urls)


@pytest.fixture
async def services(stopped_services: ServicesFixture) -> AsyncIterator[ServicesFixture]:
    """All five services, running, with data and copies from real events."""
    async with stopped_services.run():
        await stopped_services.fill()
        yield stopped_services
