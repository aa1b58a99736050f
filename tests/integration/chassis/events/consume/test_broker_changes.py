"""A worker while its broker is killed, and restarts unchanged, emptied, replaced or truncated."""

import time
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from services.chassis.db.postgres import Pool
from services.chassis.events.outbox import partition_of
from tests.integration.chassis.conftest import ALPHA
from tests.integration.chassis.events.topic import topic_of
from tests.support.alpha import Alpha, ThingCounted
from tests.support.alpha_worker import worker
from tests.support.broker import ControlledBroker
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.polling import until
from tests.support.servers import Servers


def counted(number: int) -> ThingCounted:
    return ThingCounted(thing_id="thing_1", number=number)


@pytest.fixture
async def alpha(
    server_addresses: Servers,
    broker: ControlledBroker,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
) -> Alpha:
    url = await make_database(ALPHA)
    return Alpha(msgspec.structs.replace(server_addresses, kafka=broker.address), url, await open_pool(url), clock)


async def test_the_first_event_after_a_kill_of_the_broker_is_consumed_at_once(
    alpha: Alpha, broker: ControlledBroker, record_property: Callable[[str, object], None]
) -> None:
    durations = []
    async with topic_of(alpha) as topic:
        await topic.send(counted(0))
    async with worker(alpha, 1):
        await until(alpha.tally)
        for number in range(1, 4):
            broker.kill()
            broker.start()
            ready = time.monotonic()
            async with topic_of(alpha) as topic:
                await topic.send(counted(number))
            await until(alpha.tally, lambda tally, wanted=number + 1: len(tally) == wanted)  # type: ignore[misc]
            durations.append(round(time.monotonic() - ready, 2))
    record_property("seconds", durations)
    assert await alpha.tally() == [0, 1, 2, 3]
    assert sorted(durations)[1] < 3, durations


@pytest.mark.parametrize("change", ["emptied", "replaced", "truncated"])
async def test_a_broker_that_restarts_with_less_is_read_from_its_beginning(
    alpha: Alpha, broker: ControlledBroker, change: str
) -> None:
    cluster = broker.cluster_id
    async with topic_of(alpha) as topic:
        for number in range(50):
            await topic.send(counted(number))
        sent = topic.sent
    async with worker(alpha, 1):
        await until(alpha.tally, lambda tally: len(tally) == 50)
        broker.kill()
        if change == "truncated":
            assert broker.truncate_to_half() > 0
            broker.start()
        else:
            broker.empty()
            broker.start(cluster if change == "emptied" else "")
        async with topic_of(alpha) as topic:
            remaining = (await topic.ends())[partition_of("thing_1")]
            assert remaining < 50
            # As the relay does: all events again, after the remaining ones, and then new ones.
            await topic.send(*sent, counted(50), counted(51))
            assert await until(alpha.tally, lambda tally: len(tally) >= 52) == list(range(52))
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.dead_letters") == 0
