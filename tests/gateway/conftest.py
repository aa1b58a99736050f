"""A gateway for the tests of a file; the calls that its stubs recorded are cleared between tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    async with run_gateway(server_addresses) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway: GatewayFixture) -> Iterator[GatewayFixture]:
    shared_gateway.services.calls.clear()
    shared_gateway.services.uploads.clear()
    shared_gateway.services.unavailable.clear()
    yield shared_gateway
