"""Published records, read back and compared with the outbox."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import to_raw_record
from services.chassis.events.outbox import PARTITIONS
from tests.support.alpha import Alpha
from tests.support.polling import until

THINGS = [f"thing_{number}" for number in range(8)]
"""Enough to reach several partitions."""


async def emit(alpha: Alpha, numbers: range) -> None:
    """Emit numbers of several things, one transaction each."""
    for number in numbers:
        await alpha.emit([number], thing=THINGS[number % len(THINGS)])


async def records(alpha: Alpha, topic: str = "", kafka: str = "") -> list[RawRecord]:
    """Read all records of a topic (Alpha's by default), each partition's in order."""
    return await read_topic(topic or alpha.topic, kafka or alpha.servers.kafka)


async def read_topic(topic: str, kafka: str) -> list[RawRecord]:
    """Read all records of a topic, each partition's in order."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    consumer.assign(partitions)
    await consumer.start()
    try:
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[RawRecord] = []
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for messages in (await consumer.getmany(timeout_ms=100)).values():
                found += [to_raw_record(m) for m in messages]
        return found
    finally:
        await consumer.stop()


async def is_published(alpha: Alpha, topic: str = "", kafka: str = "", *, public: bool = False) -> bool:
    """Return whether a topic holds every event of the log, each partition's in order.

    Of duplicates the first record is compared, or, for a partition whose first records were deleted, the last one.
    Raises AssertionError if an event is not of the log or has another sequence.
    """
    held = await records(alpha, topic, kafka)
    where = "WHERE public" if public else ""
    rows = await alpha.pool.fetch(f"SELECT event_id, sequence, partition FROM chassis.outbox {where} ORDER BY sequence")
    logged: dict[int, list[tuple[str, int | None]]] = defaultdict(list)
    for row in rows:
        logged[row["partition"]].append((str(row["event_id"]), row["sequence"]))
    found: dict[int, list[tuple[str, int | None]]] = defaultdict(list)
    for record in held:
        event = (record.event_id, record.sequence)
        assert event in logged[record.partition]
        found[record.partition].append(event)
    return all(
        events in (list(dict.fromkeys(found[partition])), list(dict.fromkeys(found[partition][::-1]))[::-1])
        for partition, events in logged.items()
    )


async def await_published(
    alpha: Alpha, topic: str = "", kafka: str = "", *, public: bool = False, within: float = 60
) -> None:
    """Wait until ``is_published``."""
    await until(lambda: is_published(alpha, topic, kafka, public=public), within=within)


@contextlib.asynccontextmanager
async def administration(alpha: Alpha) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open Kafka's admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=alpha.servers.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def delete_topic(alpha: Alpha) -> None:
    """Delete Alpha's topic and wait until it is gone."""
    async with administration(alpha) as admin:
        await admin.delete_topics([alpha.topic])
        await until(admin.list_topics, lambda topics: alpha.topic not in topics)
