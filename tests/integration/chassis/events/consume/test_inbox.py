"""The inbox: deduplication, for few and for many events at once, and its partitions by day."""

import datetime as dt
import uuid

import pytest

from services.chassis.events.consume import inbox
from services.chassis.ids import new_uuid
from tests.integration.chassis.events.consume.quarantine import counted, letters, states
from tests.integration.chassis.events.topic import TopicWriter
from tests.support.alpha import Alpha, running
from tests.support.owner import execute_as_owner
from tests.support.polling import until

TIMES = [dt.datetime(2026, 3, 4, 23, 59, tzinfo=dt.UTC), dt.datetime(2026, 3, 5, 0, 0, tzinfo=dt.UTC)]


@pytest.mark.parametrize("count", [4, 1000])
async def test_known_events_are_returned_and_new_ones_inserted(alpha: Alpha, count: int) -> None:
    await inbox.InboxPartitions(alpha.pool).ensure(time.date() for time in TIMES)
    events = [(TIMES[number % 2], new_uuid()) for number in range(count)]
    ids = [event_id for _, event_id in events]
    async with alpha.pool.acquire() as connection:
        async with connection.transaction():
            assert await inbox.mark_processed(connection, events[: count // 2]) == set()
        async with connection.transaction():
            assert await inbox.mark_processed(connection, events) == set(ids[: count // 2])
        async with connection.transaction():
            assert (
                await inbox.mark_processed(connection, events)
                == set(ids)
                == await inbox.find_processed(connection, events)
            )
        assert await connection.fetchval("SELECT count(*) FROM chassis.inbox") == count


@pytest.mark.parametrize("count", [2, 500])
async def test_duplicates_in_a_batch_are_inserted_once(alpha: Alpha, count: int) -> None:
    await inbox.InboxPartitions(alpha.pool).ensure(time.date() for time in TIMES)
    events = [(TIMES[0], new_uuid()) for _ in range(count)]
    async with alpha.pool.acquire() as connection, connection.transaction():
        assert await inbox.mark_processed(connection, events * 2) == set()
        assert await inbox.find_processed(connection, events) == {event_id for _, event_id in events}


async def test_implausible_days_create_no_inbox_partitions(alpha: Alpha, topic: TopicWriter) -> None:
    # The broker itself refuses timestamps that are more than an hour ahead.
    now = dt.datetime.now(dt.UTC)
    days = [now - dt.timedelta(days=ago) for ago in (20_000, 800, 401)]
    kept = [now - dt.timedelta(days=ago) for ago in (89, 1, 0)]
    async with running(alpha.consumer()):
        await topic.send(*[topic.record(counted(n, f"thing_of_day_{n}"), written_at=at) for n, at in enumerate(days)])
        await topic.send(*[topic.record(counted(n), written_at=at) for n, at in enumerate(kept)])
        await until(alpha.tally, lambda tally: len(tally) == len(kept))
        await until(lambda: states(alpha), lambda found: found == ["FAILED"] * len(days))
    tables = await alpha.pool.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'chassis.inbox'::regclass")
    assert tables == len(kept)


async def test_a_move_of_the_operators_clock_by_years_stops_no_worker(alpha: Alpha, topic: TopicWriter) -> None:
    six_years = dt.timedelta(days=6 * 365)
    begin = alpha.clock.now()
    alpha.clock.move(days=six_years.days)
    backlog = [topic.record(counted(n), time=begin + (six_years if n < 5 else dt.timedelta())) for n in range(10)]
    await topic.send(*backlog)
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) >= 10) == list(range(10))
        alpha.clock.move(days=-six_years.days)
        await topic.send(topic.record(counted(10), time=begin + six_years), topic.record(counted(11), time=begin))
        assert await until(alpha.tally, lambda tally: len(tally) >= 12) == list(range(12))
    await topic.republish()
    async with running(alpha.consumer()):
        await topic.send(counted(12))
        assert await until(alpha.tally, lambda tally: len(tally) >= 13) == list(range(13))
    assert await letters(alpha) == []


async def test_a_dropped_inbox_partition_is_created_again(alpha: Alpha, topic: TopicWriter) -> None:
    async with running(alpha.consumer()):
        await topic.send(counted(1))
        await until(alpha.tally)
        for row in await alpha.pool.fetch(
            "SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhparent = 'chassis.inbox'::regclass"
        ):
            await execute_as_owner(alpha.pool, f"DROP TABLE {row['name']}")
        await topic.send(counted(2))
        assert await until(alpha.tally, lambda tally: len(tally) == 2) == [1, 2]
    assert await letters(alpha) == []


async def test_duplicates_in_a_batch_take_effect_once(alpha: Alpha, topic: TopicWriter) -> None:
    first = topic.record(counted(1), ce_id=str(uuid.UUID(int=1)))
    await topic.send(first, first, counted(2))
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) == 2) == [1, 2]
