"""How a worker takes events in: in order, once, in batches, whoever else reads beside it."""

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


async def test_a_restart_goes_on_where_the_database_says(
    alpha: Alpha, topic: TopicWriter, caplog: pytest.LogCaptureFixture
) -> None:
    for begun in (0, 20, 40):
        async with running(alpha.consumer()):
            await topic.send(*[counted(number) for number in range(begun, begun + 20)])
            await until(alpha.tally, lambda tally, wanted=begun + 20: len(tally) >= wanted)  # type: ignore[misc]
    assert "topic was made anew" not in caplog.text
    assert await alpha.tally() == list(range(60))


async def test_events_of_a_type_are_handled_together_and_the_order_across_types_holds(
    alpha: Alpha, topic: TopicWriter
) -> None:
    await topic.send(*[weighed(number) for number in range(50)], counted(50))
    await topic.send(*[weighed(number) for number in range(51, 100)])
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) >= 100) == list(range(100))
    assert max(alpha.weighed_together) >= 49
    assert sum(alpha.weighed_together) == 99


async def test_a_batch_that_fails_runs_again_one_by_one(alpha: Alpha, topic: TopicWriter) -> None:
    alpha.spoilt = {25}
    await topic.send(*[weighed(number, f"thing_{number % 2}") for number in range(50)])
    async with running(alpha.consumer()):
        assert await until(lambda: alpha.tally("thing_0"), lambda tally: len(tally) >= 25) == list(range(0, 50, 2))
        waiting = "SELECT count(*) FROM chassis.dead_letters WHERE state = 'WAITING'"
        await until(lambda: alpha.pool.fetchval(waiting), lambda found: found == 12)
    assert await alpha.tally("thing_1") == list(range(1, 25, 2))


async def test_a_position_moves_only_from_where_its_worker_left_it(alpha: Alpha, topic: TopicWriter) -> None:
    async with running(alpha.consumer()):
        await topic.send(counted(1), counted(2))
        await until(alpha.tally, lambda tally: len(tally) == 2)
    rows = await alpha.pool.fetch("SELECT * FROM chassis.positions WHERE event_id <> ''")
    assert [(row["offset"], row["event_id"]) for row in rows] == [(1, dict(topic.sent[1].headers)["ce_id"].decode())]

    # A worker that slept has these in hand and another place in mind.
    in_hand = [
        raw_record(alpha.topic, record.partition, offset, record.timestamp, record.key, record.value, record.headers)
        for offset, record in enumerate(topic.sent)
    ]
    intake = alpha.consumer().batch_processor
    with pytest.raises(OffsetConflict):
        await intake.process(intake.decode(in_hand), {}, asyncio.Event())
    assert await alpha.tally() == [1, 2]


async def test_two_workers_share_the_partitions_and_restart_in_turn(alpha: Alpha, topic: TopicWriter) -> None:
    things = [f"thing_{number}" for number in range(24)]

    async def all_there(upto: int) -> bool:
        rows = await alpha.pool.fetch("SELECT thing, array_agg(number ORDER BY place) AS numbers FROM tally GROUP BY 1")
        return len(rows) == len(things) and all(row["numbers"] == list(range(upto)) for row in rows)

    async with running(alpha.consumer(slot=1)):
        for upto in range(5):
            async with running(alpha.consumer(slot=2)):
                await topic.send(*[counted(upto, thing) for thing in things])
                await until(lambda upto=upto: all_there(upto + 1))  # type: ignore[misc]
    letters = await alpha.pool.fetchval("SELECT count(*) FROM chassis.dead_letters")
    assert letters == 0


async def test_the_figures_tell_how_far_behind_a_worker_is(alpha: Alpha, topic: TopicWriter) -> None:
    before = metric("kierto_events_consumed_total", type="alpha.thing.counted")
    repeated = metric("kierto_events_duplicate_total")
    alpha.clock.move(minutes=1)
    await topic.send(*[topic.record(counted(n), time=alpha.clock.now()) for n in range(30)], topic.record(counted(30)))
    await topic.send(topic.sent[0])
    alpha.clock.move(seconds=90)
    async with alpha.pool.acquire() as connection, connection.transaction():
        # What is under way waits for this lock, so that what is behind can be looked at.
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
