"""A filled house."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.chassis.postgres import Pool
from services.identity.settings import IdentitySettings
from tests.component.identity.conftest import settings
from tests.integration.copies.house import SERVICES, House
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.servers import Servers
from tests.support.workbench import Workbench

__all__ = ["settings"]


@pytest.fixture
async def house_at_rest(
    server_addresses: Servers,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    settings: IdentitySettings,
) -> House:
    """All five services, empty, with nothing running."""
    urls = {blueprint.name: await make_database(blueprint) for blueprint in SERVICES}
    benches = {
        blueprint.name: Workbench(blueprint, await open_pool(urls[blueprint.name]), clock) for blueprint in SERVICES
    }
    benches["identity"].settings = settings
    return House(server_addresses, benches, urls)


@pytest.fixture
async def house(house_at_rest: House) -> AsyncIterator[House]:
    """All five services, running and filled by real events."""
    async with house_at_rest.run():
        await house_at_rest.fill()
        yield house_at_rest
