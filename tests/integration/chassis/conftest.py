"""Fixtures of the chassis with real servers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import Transaction
from services.hosting.blueprint import Blueprint
from tests.integration.chassis.events.topic import TopicWriter, topic_of
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
async def topic(alpha: Alpha) -> AsyncIterator[TopicWriter]:
    async with topic_of(alpha) as made:
        yield made
