"""The inbox's deduplication, for few and for many events at once."""

import datetime as dt

import pytest

from services.chassis.events.consume import inbox
from services.chassis.ids import new_uuid
from tests.support.alpha import Alpha

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
