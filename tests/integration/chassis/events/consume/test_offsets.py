"""Where a worker goes on: behind the record that it has read, if that is still there; and who takes over from whom."""

import contextlib
import signal
import time

import pytest
from prometheus_client import REGISTRY

from services.chassis.events.outbox import partition_of
from tests.integration.chassis.events.topic import TopicWriter
from tests.support.alpha import Alpha, ThingCounted, running
from tests.support.alpha_worker import worker
from tests.support.polling import until


def counted(number: int, thing: str = "thing_1") -> ThingCounted:
    return ThingCounted(thing_id=thing, number=number)


def reread_metric() -> float:
    return REGISTRY.get_sample_value("kierto_consumer_partition_resets_total") or 0.0


async def saved_offset(alpha: Alpha) -> int:
    found = await alpha.pool.fetchval(
        'SELECT "offset" FROM chassis.positions WHERE topic = $1 AND partition = $2',
        alpha.topic,
        partition_of("thing_1"),
    )
    return -1 if found is None else int(found)


@pytest.mark.parametrize("since", [0, 10, 20], ids=["whole", "its first days gone", "empty"])
@pytest.mark.parametrize("alive", [False, True], ids=["worker away", "worker running"])
async def test_a_topic_made_anew_is_read_from_its_beginning(
    alpha: Alpha, topic: TopicWriter, alive: bool, since: int
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        if alive:
            await stack.enter_async_context(running(alpha.consumer()))
        async with running(alpha.consumer(slot=2)):
            await topic.send(*[counted(number) for number in range(20)])
            await until(alpha.tally, lambda tally: len(tally) == 20)
        await topic.refill(since)
        await topic.send(counted(20))
        if not alive:
            await stack.enter_async_context(running(alpha.consumer()))
        assert await until(alpha.tally, lambda tally: len(tally) >= 21) == list(range(21))


@pytest.mark.parametrize("alive", [False, True], ids=["worker away", "worker running"])
async def test_a_topic_made_anew_with_more_than_was_read_hides_nothing(
    alpha: Alpha, topic: TopicWriter, alive: bool
) -> None:
    """The one case in which no offset tells: the records stand at other places than before, and reach beyond."""
    await topic.send(*[counted(number) for number in range(40)])
    before = reread_metric()
    async with running(alpha.consumer()):
        await until(alpha.tally, lambda tally: len(tally) == 40)
    async with contextlib.AsyncExitStack() as stack:
        if alive:
            await stack.enter_async_context(running(alpha.consumer()))
            checked = "SELECT max(checked_offset) FROM chassis.positions"
            await until(lambda: alpha.pool.fetchval(checked), lambda found: found == 39)
        # The log's first 30 are gone, and 100 more have come: 40 to 69 stand where 0 to 39 were before.
        topic.sent = topic.sent[30:] + [topic.record(counted(number)) for number in range(40, 140)]
        await topic.refill()
        if not alive:
            await stack.enter_async_context(running(alpha.consumer()))
        await until(alpha.tally, lambda tally: len(tally) >= 140)
        assert sorted(await alpha.tally()) == list(range(140))
        assert reread_metric() - before >= 1


async def test_a_position_older_than_all_that_is_kept_is_not_taken_for_another_topic(
    alpha: Alpha, topic: TopicWriter, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(alpha.consumer()):
        await topic.send(*[counted(number) for number in range(5)])
        await until(alpha.tally, lambda tally: len(tally) == 5)
    before = reread_metric()
    await topic.send(*[counted(number) for number in range(5, 20)])
    await topic.expire(partition_of("thing_1"), 10)
    async with running(alpha.consumer()):
        # What expired before it was read is lost to Kafka, not to the log: announcing is what brings it back.
        assert await until(alpha.tally, lambda tally: len(tally) == 15) == [*range(5), *range(10, 20)]
    assert reread_metric() == before


async def test_a_topic_cut_short_is_read_from_its_beginning_and_what_is_filled_in_counts(
    alpha: Alpha, topic: TopicWriter
) -> None:
    await topic.send(*[counted(number) for number in range(20)])
    async with running(alpha.consumer()):
        await until(alpha.tally, lambda tally: len(tally) == 20)
        whole = topic.sent
        topic.sent = whole[:10]
        await topic.refill()  # what is left of it: its first half
        await until(lambda: saved_offset(alpha), lambda offset: offset == 9)
        await topic.send(*whole, counted(20))
        assert await until(alpha.tally, lambda tally: len(tally) >= 21) == list(range(21))


async def test_a_database_put_back_brings_its_positions_with_it(alpha: Alpha, topic: TopicWriter) -> None:
    async with running(alpha.consumer()):
        await topic.send(*[counted(number) for number in range(10)])
        await until(alpha.tally, lambda tally: len(tally) == 10)
        saved = await alpha.pool.fetch("SELECT * FROM chassis.positions")
        inbox = await alpha.pool.fetch("SELECT * FROM chassis.inbox")
        await topic.send(*[counted(number) for number in range(10, 20)])
        await until(alpha.tally, lambda tally: len(tally) == 20)
        async with alpha.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE chassis.positions IN ACCESS EXCLUSIVE MODE")
            await connection.execute("DELETE FROM tally WHERE number >= 10")
            await connection.execute("DELETE FROM chassis.inbox")
            await connection.execute("DELETE FROM chassis.positions")
            for row in saved:
                await connection.execute("INSERT INTO chassis.positions VALUES ($1, $2, $3, $4, $5, $6)", *row)
            for row in inbox:
                await connection.execute("INSERT INTO chassis.inbox VALUES ($1, $2)", *row)
        await topic.send(counted(20))
        assert await until(alpha.tally, lambda tally: len(tally) >= 21) == list(range(21))


async def test_a_killed_worker_takes_its_partitions_back_at_once(alpha: Alpha, topic: TopicWriter) -> None:
    async with worker(alpha, 1) as first:
        await topic.send(*[counted(number) for number in range(500)])
        await until(alpha.tally, lambda tally: len(tally) > 0)
        first.kill()
        await first.wait()
    await topic.send(*[counted(number) for number in range(500, 600)])
    async with worker(alpha, 1) as second:
        began = time.monotonic()
        await until(alpha.tally, lambda tally: len(tally) >= 600)
        took = time.monotonic() - began
        second.terminate()
        assert await second.wait() == 0
    assert await alpha.tally() == list(range(600))
    assert took < 8, "not the session's nine seconds"


async def test_a_worker_that_slept_while_another_took_over_harms_nothing(alpha: Alpha, topic: TopicWriter) -> None:
    things = [f"thing_{number}" for number in range(12)]

    async def all_there(upto: int) -> bool:
        rows = await alpha.pool.fetch("SELECT thing, array_agg(number ORDER BY place) AS numbers FROM tally GROUP BY 1")
        return len(rows) == len(things) and all(row["numbers"] == list(range(upto)) for row in rows)

    async with worker(alpha, 1) as sleeper, worker(alpha, 2):
        await topic.send(*[counted(0, thing) for thing in things])
        await until(lambda: all_there(1))
        await topic.send(*[counted(1, thing) for thing in things])
        sleeper.send_signal(signal.SIGSTOP)
        await topic.send(*[counted(2, thing) for thing in things])
        await until(lambda: all_there(3))
        sleeper.send_signal(signal.SIGCONT)
        await topic.send(*[counted(3, thing) for thing in things])
        await until(lambda: all_there(4))
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.dead_letters") == 0


async def test_a_worker_stopped_in_the_middle_of_a_transaction_keeps_nobody_waiting(
    alpha: Alpha, topic: TopicWriter
) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'worker 1' AND wait_event_type = 'Lock'"
    async with worker(alpha, 1) as sleeper, contextlib.AsyncExitStack() as stack:
        await topic.send(counted(0))
        await until(alpha.tally, lambda tally: tally == [0])
        async with alpha.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
            await topic.send(counted(1))
            assert await until(lambda: alpha.pool.fetchval(waiting)) == 1
            sleeper.send_signal(signal.SIGSTOP)
        # Its statement is done now, and nobody ends its transaction.
        await stack.enter_async_context(worker(alpha, 2))
        assert await until(alpha.tally, lambda tally: len(tally) > 1) == [0, 1]
        sleeper.send_signal(signal.SIGCONT)
        await topic.send(counted(2))
        assert await until(alpha.tally, lambda tally: len(tally) > 2) == [0, 1, 2]
