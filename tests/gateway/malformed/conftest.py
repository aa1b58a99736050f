"""A gateway with unlimited quotas."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.quotas import UNLIMITED
from tests.support.servers import Servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    async with run_gateway(server_addresses, quotas=UNLIMITED) as gateway:
        yield gateway
