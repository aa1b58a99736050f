"""One gateway for the tests of a file; what its services were asked is forgotten between tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.gateway.house import House, open_house
from tests.support.servers import Servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(server_addresses: Servers) -> AsyncIterator[House]:
    async with open_house(server_addresses) as house:
        yield house


@pytest.fixture
def house(running: House) -> Iterator[House]:
    running.cast.asked.clear()
    running.cast.uploaded.clear()
    running.cast.away.clear()
    yield running
