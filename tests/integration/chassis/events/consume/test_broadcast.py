"""The broadcast consumer while the broker is killed, emptied or truncated, and its topic recreated."""

import asyncio
import contextlib
import datetime as dt
import time
import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.chassis.events import envelope
from services.chassis.events.consume.broadcast import BroadcastConsumer
from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import ensure_topics
from services.chassis.ids import new_uuid
from tests.support.broker import ControlledBroker
from tests.support.polling import until
from tests.support.undecodable_record import append_undecodable

LOOKBACK = dt.timedelta(minutes=15)
RECOVERY_S = 30.0
"""The limit on a busy machine; an idle one takes a second."""


@pytest.fixture
def topic() -> str:
    """A topic of the test's own."""
    return f"kierto.alpha{new_uuid().hex[-12:]}.events.v1"


class Reader:
    """A broadcast consumer and the records that it delivered."""

    def __init__(self, broker: ControlledBroker, topic: str) -> None:
        self.records: list[RawRecord] = []
        self.consumer = BroadcastConsumer(broker.address, [topic], self.records.append, LOOKBACK)

    def seen(self) -> set[str]:
        return {record.event_id for record in self.records}

    async def await_events(self, ids: Sequence[str], within: float = 30) -> None:
        """Wait until all of these are delivered."""
        await until(lambda: asyncio.sleep(0, set(ids) - self.seen()), lambda missing: not missing, within=within)


@contextlib.asynccontextmanager
async def reading(broker: ControlledBroker, topic: str) -> AsyncIterator[Reader]:
    """Run a broadcast consumer that has caught up."""
    await until(lambda: _create_topic(broker, topic))
    reader, stop = Reader(broker, topic), asyncio.Event()
    running = asyncio.create_task(reader.consumer.run(stop))
    try:
        await asyncio.wait_for(reader.consumer.caught_up.wait(), 60)
        yield reader
    finally:
        stop.set()
        await running


async def send(broker: ControlledBroker, topic: str, count: int, partition: int = 0) -> list[str]:
    """Send events; return their ids in order."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.address)
    await producer.start()
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for number, event_id in enumerate(ids):
        headers = envelope.event_headers(
            uuid.UUID(event_id), "alpha.x.y", "alpha", "x", dt.datetime.now(dt.UTC), number, "", "x", uuid.UUID(int=1)
        )
        await producer.send(topic, b"{}", key=b"x", headers=headers, partition=partition)
    await producer.stop()
    return ids


async def recreate_topic(broker: ControlledBroker, topic: str, count: int) -> list[str]:
    """Delete the topic, recreate it at once and send events."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.delete_topics([topic])
    await until(admin.list_topics, lambda topics: topic not in topics)
    await admin.close()
    await until(lambda: _create_topic(broker, topic))
    return await send(broker, topic, count)


async def _create_topic(broker: ControlledBroker, topic: str) -> bool:
    """Create the topic; False if the broker refuses, as one that was suspended does for a moment."""
    with contextlib.suppress(KafkaError):
        await ensure_topics(broker.address, [topic])
        return True
    return False


async def test_it_recovers_at_once_from_a_kill_of_the_broker_and_misses_nothing(
    broker: ControlledBroker, topic: str
) -> None:
    async with reading(broker, topic) as reader:
        await reader.await_events(await send(broker, topic, 10))
        broker.kill()
        broker.start()
        ready = time.monotonic()
        await reader.await_events(await send(broker, topic, 10))
        assert time.monotonic() - ready < RECOVERY_S
        assert len(reader.records) == len(reader.seen()), "no duplicates"


@pytest.mark.parametrize("count", [3, 10, 25], ids=["fewer", "as many", "more"])
async def test_a_recreated_topic_is_read_from_its_beginning(broker: ControlledBroker, topic: str, count: int) -> None:
    async with reading(broker, topic) as reader:
        await reader.await_events(await send(broker, topic, 10))
        await reader.await_events(await recreate_topic(broker, topic, count))
        await reader.await_events(await send(broker, topic, 1))


@pytest.mark.parametrize("count", [3, 25], ids=["fewer", "more"])
async def test_an_emptied_broker_is_read_from_its_beginning(broker: ControlledBroker, topic: str, count: int) -> None:
    async with reading(broker, topic) as reader:
        await reader.await_events(await send(broker, topic, 10))
        broker.kill()
        broker.empty()
        broker.start()
        await until(lambda: _create_topic(broker, topic))
        await reader.await_events(await send(broker, topic, count))
        await reader.await_events(await send(broker, topic, 5, partition=1))


async def test_new_records_of_a_truncated_topic_are_delivered(broker: ControlledBroker, topic: str) -> None:
    async with reading(broker, topic) as reader:
        for _ in range(10):
            await reader.await_events(await send(broker, topic, 1))
        broker.stop()
        broker.truncate_to_half()
        broker.start()
        await reader.await_events(await send(broker, topic, 3))
        await reader.await_events(await send(broker, topic, 10))


async def test_it_begins_at_the_lookback(broker: ControlledBroker, topic: str) -> None:
    await ensure_topics(broker.address, [topic])
    ids = await send(broker, topic, 5)
    async with reading(broker, topic) as reader:
        await reader.await_events(ids)
        assert [record.event_id for record in reader.records] == ids


async def test_an_unreadable_record_is_skipped(broker: ControlledBroker, topic: str) -> None:
    async with reading(broker, topic) as reader:
        await reader.await_events(await send(broker, topic, 3))
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.partitions_for(topic)
            for partition in (0, 0, 1):
                await append_undecodable(producer, topic, partition)
        await reader.await_events([*await send(broker, topic, 3), *await send(broker, topic, 3, partition=1)])
        assert len(reader.records) == len(reader.seen()), "no duplicates"
