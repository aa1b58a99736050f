"""Consumer offsets after the topic, the database or the workers have changed."""

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


def resets() -> float:
    return REGISTRY.get_sample_value("kierto_consumer_partition_resets_total") or 0.0


async def saved_offset(alpha: Alpha) -> int:
    found = await alpha.pool.fetchval(
        'SELECT "offset" FROM chassis.positions WHERE topic = $1 AND partition = $2',
        alpha.topic,
        partition_of("thing_1"),
    )
    return -1 if found is None else int(found)


@pytest.mark.parametrize("since", [0, 10, 20], ids=["whole", "without its first events", "empty"])
@pytest.mark.parametrize("running_meanwhile", [False, True], ids=["worker stopped", "worker running"])
async def test_a_recreated_topic_is_read_from_its_beginning(
    alpha: Alpha, topic: TopicWriter, running_meanwhile: bool, since: int
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        if running_meanwhile:
            await stack.enter_async_context(running(alpha.consumer()))
        async with running(alpha.consumer(slot=2)):
            await topic.send(*[counted(number) for number in range(20)])
            await until(alpha.tally, lambda tally: len(tally) == 20)
        await topic.republish(since)
        await topic.send(counted(20))
        if not running_meanwhile:
            await stack.enter_async_context(running(alpha.consumer()))
        assert await until(alpha.tally, lambda tally: len(tally) >= 21) == list(range(21))


@pytest.mark.parametrize("running_meanwhile", [False, True], ids=["worker stopped", "worker running"])
async def test_a_recreated_topic_with_more_records_than_before_is_read_from_its_beginning(
    alpha: Alpha, topic: TopicWriter, running_meanwhile: bool
) -> None:
    """Offsets alone don't show it: other records have the former offsets, and there are more of them."""
    await topic.send(*[counted(number) for number in range(40)])
    before = resets()
    async with running(alpha.consumer()):
        await until(alpha.tally, lambda tally: len(tally) == 40)
    async with contextlib.AsyncExitStack() as stack:
        if running_meanwhile:
            await stack.enter_async_context(running(alpha.consumer()))
            checked = "SELECT max(checked_offset) FROM chassis.positions"
            await until(lambda: alpha.pool.fetchval(checked), lambda found: found == 39)
        # The log's first 30 events are gone, and 100 are new: 30 to 69 have the former offsets of 0 to 39.
        topic.sent = topic.sent[30:] + [topic.record(counted(number)) for number in range(40, 140)]
        await topic.republish()
        if not running_meanwhile:
            await stack.enter_async_context(running(alpha.consumer()))
        await until(alpha.tally, lambda tally: len(tally) >= 140)
        assert sorted(await alpha.tally()) == list(range(140))
        assert resets() - before >= 1


async def test_an_offset_before_the_topics_first_record_is_no_sign_of_a_recreation(
    alpha: Alpha, topic: TopicWriter, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(alpha.consumer()):
        await topic.send(*[counted(number) for number in range(5)])
        await until(alpha.tally, lambda tally: len(tally) == 5)
    before = resets()
    await topic.send(*[counted(number) for number in range(5, 20)])
    await topic.expire(partition_of("thing_1"), 10)
    async with running(alpha.consumer()):
        # Events that expired unread are gone from Kafka, not from the log: an announcement restores them.
        assert await until(alpha.tally, lambda tally: len(tally) == 15) == [*range(5), *range(10, 20)]
    assert resets() == before


async def test_a_truncated_topic_is_read_from_its_beginning_and_republished_events_are_handled(
    alpha: Alpha, topic: TopicWriter
) -> None:
    await topic.send(*[counted(number) for number in range(20)])
    async with running(alpha.consumer()):
        await until(alpha.tally, lambda tally: len(tally) == 20)
        whole = topic.sent
        topic.sent = whole[:10]
        await topic.republish()  # only its first half
        await until(lambda: saved_offset(alpha), lambda offset: offset == 9)
        await topic.send(*whole, counted(20))
        assert await until(alpha.tally, lambda tally: len(tally) >= 21) == list(range(21))


async def test_a_restored_databases_offsets_are_used(alpha: Alpha, topic: TopicWriter) -> None:
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


async def test_a_killed_worker_gets_its_partitions_again_at_once(alpha: Alpha, topic: TopicWriter) -> None:
    await topic.send(*[counted(number) for number in range(500)])
    async with worker(alpha, 1) as first:
        began = time.monotonic()
        await until(alpha.tally, lambda tally: len(tally) > 0)
        first_s = time.monotonic() - began
        first.kill()
        await first.wait()
    handled = len(await alpha.tally())
    await topic.send(*[counted(number) for number in range(500, 600)])
    async with worker(alpha, 1) as second:
        began = time.monotonic()
        await until(alpha.tally, lambda tally: len(tally) > handled)
        second_s = time.monotonic() - began
        await until(alpha.tally, lambda tally: len(tally) >= 600)
        second.terminate()
        assert await second.wait() == 0
    assert await alpha.tally() == list(range(600))
    assert second_s < first_s + 6, "it does not wait for the session timeout of nine seconds"


async def test_a_suspended_worker_that_resumes_after_a_takeover_corrupts_nothing(
    alpha: Alpha, topic: TopicWriter
) -> None:
    things = [f"thing_{number}" for number in range(12)]

    async def is_complete(upto: int) -> bool:
        rows = await alpha.pool.fetch("SELECT thing, array_agg(number ORDER BY place) AS numbers FROM tally GROUP BY 1")
        return len(rows) == len(things) and all(row["numbers"] == list(range(upto)) for row in rows)

    async with worker(alpha, 1) as suspended, worker(alpha, 2):
        await topic.send(*[counted(0, thing) for thing in things])
        await until(lambda: is_complete(1))
        await topic.send(*[counted(1, thing) for thing in things])
        suspended.send_signal(signal.SIGSTOP)
        await topic.send(*[counted(2, thing) for thing in things])
        await until(lambda: is_complete(3))
        suspended.send_signal(signal.SIGCONT)
        await topic.send(*[counted(3, thing) for thing in things])
        await until(lambda: is_complete(4))
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.dead_letters") == 0


async def test_a_worker_suspended_in_a_transaction_does_not_block_another(alpha: Alpha, topic: TopicWriter) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'worker 1' AND wait_event_type = 'Lock'"
    async with worker(alpha, 1) as suspended, contextlib.AsyncExitStack() as stack:
        await topic.send(counted(0))
        await until(alpha.tally, lambda tally: tally == [0])
        async with alpha.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
            await topic.send(counted(1))
            assert await until(lambda: alpha.pool.fetchval(waiting)) == 1
            suspended.send_signal(signal.SIGSTOP)
        # Its statement is done now, and its transaction stays open.
        await stack.enter_async_context(worker(alpha, 2))
        assert await until(alpha.tally, lambda tally: len(tally) > 1) == [0, 1]
        suspended.send_signal(signal.SIGCONT)
        await topic.send(counted(2))
        assert await until(alpha.tally, lambda tally: len(tally) > 2) == [0, 1, 2]
