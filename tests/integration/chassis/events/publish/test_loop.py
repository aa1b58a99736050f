"""The relay in normal operation: batches, sizes, the partners' topic, its metrics and retention."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import REGISTRY

from services.chassis.db import retention
from services.chassis.db.postgres import open_connection
from services.chassis.events import event_log
from services.chassis.events.kafka import RETENTION_MS
from services.chassis.events.outbox import PARTITIONS, EventTooLarge
from services.chassis.events.publish import lease, relay_metrics, sequencer
from services.chassis.events.publish.sequencer import BATCH_BYTES
from services.contracts.declare import partners_topic_of
from tests.integration.chassis.events.publish.published_records import (
    THINGS,
    administration,
    await_published,
    delete_topic,
    emit,
    records,
)
from tests.support.alpha import Alpha, ThingCounted, ThingWeighed, organisation, running
from tests.support.polling import until

NO_BROKER = "127.0.0.1:1"


@contextlib.asynccontextmanager
async def metrics_of(alpha: Alpha) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay_metrics.update_relay_metrics(alpha.pool, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def metric(name: str) -> float:
    return REGISTRY.get_sample_value(f"kierto_{name}") or 0.0


async def await_metrics(**wanted: float) -> None:
    """Wait until these metrics have these values."""
    for name, number in wanted.items():
        await until(lambda name=name: metric(name), lambda value, number=number: value == number)  # type: ignore[misc]


async def run_retention(alpha: Alpha) -> None:
    await retention.delete_expired(alpha.pool, asyncio.Event())


async def age_events(alpha: Alpha, up_to: int) -> None:
    await alpha.pool.execute(
        "UPDATE chassis.outbox SET written_at = written_at - interval '91 days' WHERE sequence <= $1", up_to
    )


async def sequences(alpha: Alpha) -> list[int]:
    return [row[0] for row in await alpha.pool.fetch("SELECT sequence FROM chassis.outbox ORDER BY sequence")]


async def test_events_of_the_largest_size_are_published_in_small_batches(alpha: Alpha) -> None:
    large = "x" * 255_000
    for begin in range(0, 60, 10):
        async with alpha.work() as tx:
            for number in range(begin, begin + 10):
                tx.emit(ThingCounted(thing_id=f"thing_{number % 2}", number=number, text=large))
    connection = await open_connection(alpha.url, name="test")
    epoch = await lease.acquire(connection, f"{alpha.name}.1")
    assert epoch is not None
    batch = await sequencer.assign_sequences(connection, epoch)
    assert [event.sequence for event in batch.events] == [1, 2, 3]
    assert await sequencer.read_sequenced(connection, 0) == batch
    await connection.close()
    async with running(alpha.relay()):
        await await_published(alpha)
    assert sum(len(record.value or b"") for record in await records(alpha)) > 10 * BATCH_BYTES


async def test_a_change_with_too_large_an_event_is_rolled_back(alpha: Alpha) -> None:
    with pytest.raises(EventTooLarge, match="256000 at most"):
        async with alpha.work() as tx:
            await tx.connection.execute("INSERT INTO things VALUES ('thing_1', 1)")
            tx.emit(ThingCounted(thing_id="thing_1", number=1))
            tx.emit(ThingCounted(thing_id="thing_1", number=2, text="x" * 256_000))
    assert await alpha.pool.fetchval("SELECT count(*) FROM things") == 0
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox") == 0


async def test_batches_are_published_gapless_and_in_order(alpha: Alpha) -> None:
    """More than one batch, while further events are emitted."""
    async with alpha.work() as tx:
        for number in range(2500):
            tx.emit(ThingCounted(thing_id=f"thing_{number % 50}", number=number))
    async with running(alpha.relay()):
        await emit(alpha, range(100))
        await await_published(alpha)
    assert await sequences(alpha) == list(range(1, 2601))
    assert len(await records(alpha)) == 2600, "no duplicates"


async def test_partners_get_the_public_events_and_no_others(alpha: Alpha) -> None:
    partners = partners_topic_of(alpha.name)
    async with running(alpha.relay(partners=True)):
        for number in range(20):
            async with alpha.work() as tx:
                tx.emit(ThingCounted(thing_id=f"thing_{number % 5}", organisation_id=organisation(), number=number))
                tx.emit(ThingWeighed(thing_id=f"thing_{number % 5}", number=number))
        await await_published(alpha)
        await await_published(alpha, partners, public=True)
        # Many events of which none is public.
        async with alpha.work() as tx:
            for number in range(1500):
                tx.emit(ThingWeighed(thing_id="thing_1", number=number))
        await await_published(alpha)
    own = {record.event_id: record for record in await records(alpha)}
    for record in await records(alpha, partners):
        same = own[record.event_id]
        assert (record.type, record.key, record.value) == ("alpha.thing.counted", same.key, same.value)
        assert record.headers == same.headers, "id, sequence and generation among them"
    async with running(alpha.relay(partners=True)):
        await alpha.emit([20])
        await await_published(alpha, partners, public=True)
    assert len(await records(alpha, partners)) == 21, "no duplicates"


async def test_a_deleted_partners_topic_is_republished(alpha: Alpha) -> None:
    partners = partners_topic_of(alpha.name)
    async with running(alpha.relay(partners=True)):
        await emit(alpha, range(40))
        await await_published(alpha, partners, public=True)
        republished = await metric("relay_republished_partitions_total")
        async with administration(alpha) as admin:
            await admin.delete_topics([partners])
        # Deletion takes a while: a batch in flight to a topic that is deleted meanwhile is sent to all topics again.
        await until(lambda: metric("relay_republished_partitions_total"), lambda value: value > republished)
        await await_published(alpha, partners, public=True)
        await emit(alpha, range(40, 45))
        await await_published(alpha, partners, public=True)
    assert len(await records(alpha)) == 45, "the other topic has no duplicates"


async def test_a_later_partners_topic_is_published_from_the_log(alpha: Alpha) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(20))
        await await_published(alpha)
    async with running(alpha.relay(partners=True)):
        await await_published(alpha, partners_topic_of(alpha.name), public=True)


async def test_both_topics_have_the_same_configuration(alpha: Alpha) -> None:
    topics = [alpha.topic, partners_topic_of(alpha.name)]
    async with running(alpha.relay(partners=True)), administration(alpha) as admin:
        await until(admin.list_topics, lambda found: set(topics) <= set(found))
        described = await admin.describe_topics(topics)
        assert [len(topic["partitions"]) for topic in described] == [PARTITIONS, PARTITIONS]
        for topic in topics:
            (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            settings = {name: value for name, value, *_ in answer.resources[0][4]}
            assert settings["retention.ms"] == str(RETENTION_MS)
            assert settings["cleanup.policy"] == "delete"


@pytest.mark.parametrize("days", [-3650, 3650])
async def test_a_records_timestamp_is_its_rows_and_not_the_operators_clock(alpha: Alpha, days: int) -> None:
    """That clock may be moved by years: Kafka would delete old records, and the relay republish them for ever."""
    alpha.clock.move(days=days)
    async with running(alpha.relay()):
        await emit(alpha, range(len(THINGS)))
        await await_published(alpha)
    assert await count_since(alpha, dt.timedelta(minutes=-5)) == len(THINGS)
    assert await count_since(alpha, dt.timedelta(minutes=5)) == 0


async def test_metrics_of_the_backlog_while_the_broker_is_unavailable(alpha: Alpha) -> None:
    async with metrics_of(alpha):
        published = await metric("events_published_total")
        async with running(alpha.relay()):
            await emit(alpha, range(10))
            await await_metrics(events_unsequenced=0, events_unpublished=0, relay_lag_seconds=0, relay_leader=1)
            await await_metrics(events_published_total=published + 10)
        await await_metrics(relay_leader=0)
        await emit(alpha, range(10, 15))
        connection = await open_connection(alpha.url, name="test")
        epoch = await lease.acquire(connection, f"{alpha.name}.1")
        assert epoch is not None
        await sequencer.assign_sequences(connection, epoch)
        await connection.close()
        await emit(alpha, range(15, 18))
        async with running(alpha.relay(kafka=NO_BROKER)):
            await await_metrics(events_unsequenced=3, events_unpublished=5, relay_leader=1)
            before = await until(lambda: metric("relay_lag_seconds"))
            await until(lambda: metric("relay_lag_seconds"), lambda now: now > before)
        async with running(alpha.relay()):
            await await_metrics(events_unsequenced=0, events_unpublished=0, relay_lag_seconds=0)
            await await_metrics(events_published_total=published + 18)


async def test_retention_deletes_the_beginning_of_the_log_without_a_gap(alpha: Alpha) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(20))
        await await_published(alpha)
    async with alpha.pool.acquire() as connection:
        whole = await event_log.read_bounds(connection)
    await age_events(alpha, 12)
    # An event that was written earlier than its predecessor.
    await alpha.pool.execute("UPDATE chassis.outbox SET written_at = now() - interval '91 days' WHERE sequence = 15")
    await run_retention(alpha)
    assert await sequences(alpha) == list(range(13, 21))
    async with alpha.pool.acquire() as connection:
        bounds = await event_log.read_bounds(connection)
    assert (bounds.first_sequence, bounds.last_sequence) == (13, 20)
    assert bounds.resolve(str(whole.start)) is None, "a cursor from before the log has expired"
    assert bounds.resolve(event_log.START) == event_log.Cursor(whole.generation, 12)
    await age_events(alpha, 20)
    await run_retention(alpha)
    async with alpha.pool.acquire() as connection:
        bounds = await event_log.read_bounds(connection)
    assert (bounds.start, bounds.end) == (whole.end, whole.end)
    async with running(alpha.relay()):
        await emit(alpha, range(20, 22))
        await until(lambda: records(alpha), lambda found: len(found) == 22)


async def test_retention_keeps_events_that_the_broker_has_not_acknowledged(alpha: Alpha) -> None:
    async with running(alpha.relay(partners=True)):
        await emit(alpha, range(10))
        await await_published(alpha, partners_topic_of(alpha.name), public=True)
    await emit(alpha, range(10, 15))
    await age_events(alpha, 20)
    await alpha.pool.execute("UPDATE chassis.outbox SET written_at = now() - interval '91 days'")
    await run_retention(alpha)
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox WHERE sequence IS NULL") == 5
    # The topic with the fewest events is decisive. They are young while they are published: Kafka deletes old ones.
    await alpha.pool.execute("UPDATE chassis.outbox SET written_at = now()")
    async with running(alpha.relay(partners=True)):
        await await_published_from(alpha, 11)
    await age_events(alpha, 20)
    await alpha.pool.execute("UPDATE chassis.published_up_to SET sequence = 12 WHERE topic LIKE '%partners%'")
    await run_retention(alpha)
    assert await sequences(alpha) == [13, 14, 15]


async def count_since(alpha: Alpha, offset: dt.timedelta) -> int:
    """Count the topic's records whose timestamps are at least now plus ``offset``."""
    consumer = AIOKafkaConsumer(bootstrap_servers=alpha.servers.kafka)
    await consumer.start()
    try:
        partitions = [TopicPartition(alpha.topic, number) for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(partitions)
        time = int((dt.datetime.now(dt.UTC) + offset).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, time))
        return sum(ends[partition] - first.offset for partition, first in found.items() if first is not None)
    finally:
        await consumer.stop()


async def await_published_from(alpha: Alpha, first: int) -> None:
    """Wait until all retained events, from ``first`` on, are published and the checkpoint is saved."""
    expected = list(range(first, first + len(await sequences(alpha))))
    await until(lambda: records(alpha), lambda found: {r.sequence for r in found} >= set(expected))
    up_to = "SELECT min(sequence) FROM chassis.published_up_to"
    await until(lambda: alpha.pool.fetchval(up_to), lambda sequence: sequence == expected[-1])


async def test_a_former_cluster_delays_no_retention_and_its_return_is_logged(
    alpha: Alpha, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(20))
        await await_published(alpha)
    current = await alpha.pool.fetchval("SELECT cluster_id FROM chassis.leader")
    await alpha.pool.execute("INSERT INTO chassis.published_up_to VALUES ('former', $1, 3)", alpha.topic)
    await age_events(alpha, 10)
    await run_retention(alpha)
    assert await sequences(alpha) == list(range(11, 21))
    # The current cluster, as if it returned after the log's beginning was deleted.
    await alpha.pool.execute("DELETE FROM chassis.published WHERE cluster_id = $1", current)
    await alpha.pool.execute("UPDATE chassis.published_up_to SET sequence = 3 WHERE cluster_id = $1", current)
    await delete_topic(alpha)
    async with running(alpha.relay()):
        await await_published(alpha)
    assert "event log begins after the first event the cluster lacks" in capsys.readouterr().out
    assert {record.sequence for record in await records(alpha)} == set(range(11, 21))
