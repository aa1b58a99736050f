"""A worker's consumption: in order, once, in batches, and beside another worker."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from services.chassis.events.consume.offsets import OffsetConflict
from services.chassis.events.envelope import raw_record
from tests.integration.chassis.events.topic import TopicWriter
from tests.support.alpha import Alpha, ThingCounted, ThingWeighed, running
from tests.support.polling import until


def counted(number: int, thing: str = "thing_1") -> ThingCounted:
    return ThingCounted(thing_id=thing, number=number)


def weighed(number: int, thing: str = "thing_1") -> ThingWeighed:
    return ThingWeighed(thing_id=thing, number=number)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_restart_continues_at_the_databases_offsets(
    alpha: Alpha, topic: TopicWriter, caplog: pytest.LogCaptureFixture
) -> None:
    for first in (0, 20, 40):
        async with running(alpha.consumer()):
            await topic.send(*[counted(number) for number in range(first, first + 20)])
            await until(alpha.tally, lambda tally, wanted=first + 20: len(tally) >= wanted)  # type: ignore[misc]
    assert "topic was recreated" not in caplog.text
    assert await alpha.tally() == list(range(60))


async def test_a_batch_handler_gets_consecutive_events_and_the_order_across_types_holds(
    alpha: Alpha, topic: TopicWriter
) -> None:
    await topic.send(*[weighed(number) for number in range(50)], counted(50))
    await topic.send(*[weighed(number) for number in range(51, 100)])
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) >= 100) == list(range(100))
    assert max(alpha.batch_sizes) >= 49
    assert sum(alpha.batch_sizes) == 99


async def test_a_failed_batch_is_retried_one_event_at_a_time(alpha: Alpha, topic: TopicWriter) -> None:
    alpha.spoilt = {25}
    await topic.send(*[weighed(number, f"thing_{number % 2}") for number in range(50)])
    async with running(alpha.consumer()):
        assert await until(lambda: alpha.tally("thing_0"), lambda tally: len(tally) >= 25) == list(range(0, 50, 2))
        waiting = "SELECT count(*) FROM chassis.dead_letters WHERE state = 'WAITING'"
        await until(lambda: alpha.pool.fetchval(waiting), lambda found: found == 12)
    assert await alpha.tally("thing_1") == list(range(1, 25, 2))


async def test_an_offset_advances_only_from_its_workers_last_one(alpha: Alpha, topic: TopicWriter) -> None:
    async with running(alpha.consumer()):
        await topic.send(counted(1), counted(2))
        await until(alpha.tally, lambda tally: len(tally) == 2)
    rows = await alpha.pool.fetch("SELECT * FROM chassis.positions WHERE event_id <> ''")
    assert [(row["offset"], row["event_id"]) for row in rows] == [(1, dict(topic.sent[1].headers)["ce_id"].decode())]

    # A worker that was suspended has these records and an outdated offset.
    outdated = [
        raw_record(alpha.topic, record.partition, offset, record.timestamp, record.key, record.value, record.headers)
        for offset, record in enumerate(topic.sent)
    ]
    processor = alpha.consumer().batch_processor
    with pytest.raises(OffsetConflict):
        await processor.process(processor.decode(outdated), {}, asyncio.Event())
    assert await alpha.tally() == [1, 2]


async def test_two_workers_share_the_partitions_while_one_restarts(alpha: Alpha, topic: TopicWriter) -> None:
    things = [f"thing_{number}" for number in range(24)]

    async def is_complete(upto: int) -> bool:
        rows = await alpha.pool.fetch("SELECT thing, array_agg(number ORDER BY place) AS numbers FROM tally GROUP BY 1")
        return len(rows) == len(things) and all(row["numbers"] == list(range(upto)) for row in rows)

    async with running(alpha.consumer(slot=1)):
        for upto in range(5):
            async with running(alpha.consumer(slot=2)):
                await topic.send(*[counted(upto, thing) for thing in things])
                await until(lambda upto=upto: is_complete(upto + 1))  # type: ignore[misc]
    letters = await alpha.pool.fetchval("SELECT count(*) FROM chassis.dead_letters")
    assert letters == 0


async def test_metrics_of_a_workers_lag(alpha: Alpha, topic: TopicWriter) -> None:
    before = metric("kierto_events_consumed_total", type="alpha.thing.counted")
    repeated = metric("kierto_events_duplicate_total")
    alpha.clock.move(minutes=1)
    await topic.send(*[topic.record(counted(n), time=alpha.clock.now()) for n in range(30)], topic.record(counted(30)))
    await topic.send(topic.sent[0])
    alpha.clock.move(seconds=90)
    async with alpha.pool.acquire() as connection, connection.transaction():
        # The batch in process waits for this lock, so that the lag can be observed.
        await connection.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
        stop = asyncio.Event()
        running_consumer = asyncio.create_task(alpha.consumer().run(stop))
        await topic.send(*[counted(n) for n in range(31, 40)])
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        await until(lambda: alpha.pool.fetchval(waiting))
        await until(lambda: asyncio.sleep(0, metric("kierto_consumer_lag_events")), lambda behind: behind >= 10)
    await until(alpha.tally, lambda tally: len(tally) == 40)
    await until(lambda: asyncio.sleep(0, metric("kierto_consumer_lag_events")), lambda behind: behind == 0)
    await until(lambda: asyncio.sleep(0, metric("kierto_consumer_lag_seconds")), lambda seconds: seconds == 0)
    stop.set()
    await running_consumer
    assert metric("kierto_events_consumed_total", type="alpha.thing.counted") - before == 40
    assert metric("kierto_events_duplicate_total") - repeated == 1
