"""The chassis on real servers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.access.assembly import Blueprint
from services.chassis.postgres import Pool
from services.chassis.transaction import Transaction
from tests.integration.chassis.topic import Topic, topic_of
from tests.support.alpha import MIGRATIONS, Alpha
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.servers import Servers


class Nothing:
    """A contract without operations."""


ALPHA: Blueprint[Transaction, Any] = Blueprint(
    name="alpha",
    contract=Nothing,
    migrations=MIGRATIONS,
    transaction=Transaction,
    bind=lambda base: lambda caller: Nothing(),
    handlers=lambda base: {},
)


@pytest.fixture
async def alpha(
    server_addresses: Servers,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
) -> Alpha:
    url = await make_database(ALPHA)
    return Alpha(server_addresses, url, await open_pool(url), clock)


@pytest.fixture
async def topic(alpha: Alpha) -> AsyncIterator[Topic]:
    async with topic_of(alpha) as made:
        yield made
