"""A gateway that refuses nobody only for asking so often."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.house import House, open_house
from tests.support.quotas import WITHOUT_END
from tests.support.servers import Servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(server_addresses: Servers) -> AsyncIterator[House]:
    async with open_house(server_addresses, quotas=WITHOUT_END) as house:
        yield house
