"""The inbox says exactly which events took effect before, however many come at once."""

import datetime as dt

import pytest

from services.chassis.events.consume import inbox
from services.chassis.ids import new_uuid
from tests.support.alpha import Alpha

TIMES = [dt.datetime(2026, 3, 4, 23, 59, tzinfo=dt.UTC), dt.datetime(2026, 3, 5, 0, 0, tzinfo=dt.UTC)]


@pytest.mark.parametrize("many", [4, 1000])
async def test_what_is_known_is_told_and_the_rest_taken_in(alpha: Alpha, many: int) -> None:
    await inbox.InboxPartitions(alpha.pool).ensure(time.date() for time in TIMES)
    events = [(TIMES[number % 2], new_uuid()) for number in range(many)]
    ids = [event_id for _, event_id in events]
    async with alpha.pool.acquire() as connection:
        async with connection.transaction():
            assert await inbox.mark_processed(connection, events[: many // 2]) == set()
        async with connection.transaction():
            assert await inbox.mark_processed(connection, events) == set(ids[: many // 2])
        async with connection.transaction():
            assert (
                await inbox.mark_processed(connection, events)
                == set(ids)
                == await inbox.find_processed(connection, events)
            )
        assert await connection.fetchval("SELECT count(*) FROM chassis.inbox") == many


@pytest.mark.parametrize("many", [2, 500])
async def test_events_that_come_twice_in_a_batch_are_taken_in_once(alpha: Alpha, many: int) -> None:
    await inbox.InboxPartitions(alpha.pool).ensure(time.date() for time in TIMES)
    events = [(TIMES[0], new_uuid()) for _ in range(many)]
    async with alpha.pool.acquire() as connection, connection.transaction():
        assert await inbox.mark_processed(connection, events * 2) == set()
        assert await inbox.find_processed(connection, events) == {event_id for _, event_id in events}
