"""An event's way: from the transaction through the relay and Kafka into another transaction."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.chassis import dead_letters, lease, log, numbering
from services.chassis.envelope import Raw, raw, understand
from services.chassis.outbox import PARTITIONS, partition_of
from services.chassis.postgres import NO_ONES_FAULT, open_connection
from tests.support.alpha import Alpha, ThingCounted, organisation, running
from tests.support.wait import until


async def records(alpha: Alpha) -> list[Raw]:
    """All that the topic holds."""
    consumer = AIOKafkaConsumer(bootstrap_servers=alpha.servers.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(alpha.topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Raw] = []
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for messages in (await consumer.getmany(timeout_ms=100)).values():
                found += [raw(m.topic, m.partition, m.offset, m.key, m.value, m.headers) for m in messages]
        return found
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def producer(alpha: Alpha) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=alpha.servers.kafka)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def delete_topic(alpha: Alpha) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=alpha.servers.kafka)
    await admin.start()
    await admin.delete_topics([alpha.topic])
    await until(admin.list_topics, lambda topics: alpha.topic not in topics)
    await admin.close()


async def test_what_was_announced_takes_effect_once_and_in_order(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.announce(range(200))
        assert await until(alpha.tally, lambda tally: len(tally) >= 200) == list(range(200))
    sequences = sorted(int(record.headers["ce_sequence"]) for record in await records(alpha))
    assert sequences == list(range(1, 201)), "gapless"


async def test_a_restart_goes_on_where_the_database_says(alpha: Alpha, caplog: pytest.LogCaptureFixture) -> None:
    async with running(alpha.relay()):
        for begun in (0, 20, 40):
            async with running(alpha.consumer()):
                await alpha.announce(range(begun, begun + 20))
                await until(alpha.tally, lambda tally, wanted=begun + 20: len(tally) >= wanted)  # type: ignore[misc]
    assert "topic made anew" not in caplog.text
    assert await alpha.tally() == list(range(60))


async def test_a_transaction_that_fails_announces_nothing(alpha: Alpha) -> None:
    with pytest.raises(RuntimeError):
        async with alpha.work() as tx:
            tx.emit(ThingCounted(thing_id="thing_1", number=1))
            raise RuntimeError
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox") == 0


async def test_records_are_cloud_events_keyed_by_organisation(alpha: Alpha) -> None:
    org = organisation()
    async with running(alpha.relay()):
        await alpha.announce([7], organisation=org)
        (record,) = await until(lambda: records(alpha))
    assert record.key == org.encode()
    assert record.partition == partition_of(org)
    assert record.headers["ce_specversion"] == "1.0"
    assert record.headers["ce_type"] == "alpha.thing.counted"
    assert record.headers["ce_sequence"] == "0" * 19 + "1"
    assert record.headers["ce_partitionkey"] == org
    event = understand(record)
    assert event is not None
    assert event.data == ThingCounted(thing_id="thing_1", organisation_id=org, number=7)


async def test_one_relay_leads_and_another_takes_over_when_it_ends(alpha: Alpha) -> None:
    async with running(alpha.consumer()):
        async with running(alpha.relay("1"), alpha.relay("2")):
            await alpha.announce(range(50))
            await until(alpha.tally, lambda tally: len(tally) == 50)
        async with running(alpha.relay("2")):
            await alpha.announce(range(50, 100))
            assert await until(alpha.tally, lambda tally: len(tally) >= 100) == list(range(100))


async def test_a_deposed_leader_can_neither_number_nor_keep_the_lease(alpha: Alpha) -> None:
    await alpha.announce(range(3))
    connection = await open_connection(alpha.url, name="test")
    old = await lease.take(connection, "old")
    assert old is not None
    await connection.execute("UPDATE chassis.leader SET until = '-infinity'")
    new = await lease.take(connection, "new")
    assert new == old + 1
    with pytest.raises(lease.Deposed):
        await numbering.number(connection, old, 10)
    with pytest.raises(lease.Deposed):
        await lease.keep(connection, old)
    assert [event.sequence for event in await numbering.number(connection, new, 10)] == [1, 2, 3]
    await connection.close()


async def test_an_emptied_broker_is_filled_again_and_nothing_happens_twice(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.announce(range(20))
        await until(alpha.tally, lambda tally: len(tally) == 20)
    await delete_topic(alpha)
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.announce(range(20, 25))
        assert await until(alpha.tally, lambda tally: len(tally) >= 25) == list(range(25))
    assert len({record.event_id for record in await records(alpha)}) == 25


async def test_a_broker_ahead_of_the_database_begins_a_new_generation(alpha: Alpha) -> None:
    async with running(alpha.relay()):
        await alpha.announce(range(10))
        await until(lambda: records(alpha), lambda found: len(found) == 10)
    async with alpha.pool.acquire() as connection:
        before = await log.edges(connection)
        # The database is restored to before the last five events.
        await connection.execute("DELETE FROM chassis.outbox WHERE sequence > 5")
        await connection.execute("UPDATE chassis.leader SET last_sequence = 5")
    async with running(alpha.relay()):
        await alpha.announce([99])
        await until(lambda: records(alpha), lambda found: any(r.headers["ce_sequence"][-2:] == "11" for r in found))
    async with alpha.pool.acquire() as connection:
        after = await log.edges(connection)
    assert after.generation != before.generation
    assert after.place(str(before.end)) is None, "a cursor of the old generation has expired"


async def test_a_malformed_event_is_set_aside_and_the_ones_behind_it_go_on(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.announce([1])
        await until(alpha.tally)
        async with producer(alpha) as made:
            await made.send_and_wait(alpha.topic, b"not an event", partition=partition_of("thing_1"))
        await alpha.announce([2])
        assert await until(alpha.tally, lambda tally: len(tally) >= 2) == [1, 2]
    async with alpha.pool.acquire() as connection:
        (letter,) = await dead_letters.dead_letters(connection)
    assert (letter.state, letter.record.value) == ("FAILED", b"not an event")
    assert "missing attributes" in letter.reason


async def test_events_of_a_failed_ones_subject_wait_and_are_replayed_in_order(alpha: Alpha) -> None:
    alpha.spoilt = {2}
    consumer = alpha.consumer()
    async with running(alpha.relay(), consumer):
        await alpha.announce([1, 2, 3])
        await alpha.announce([10], thing="thing_2")
        await until(lambda: alpha.tally("thing_2"))
        async with alpha.pool.acquire() as connection:
            letters = await until(
                lambda: dead_letters.dead_letters(connection), lambda found: len(found) == 2, within=20
            )
        assert [letter.state for letter in letters] == ["FAILED", "WAITING"]
        assert await alpha.tally() == [1]
        with pytest.raises(ValueError, match="can't be counted"):
            await consumer.replay(letters[0])
        alpha.spoilt = set()
        assert await consumer.replay(letters[0]) == 2
        assert await alpha.tally() == [1, 2, 3]
        await alpha.announce([4])
        assert await until(alpha.tally, lambda tally: len(tally) >= 4) == [1, 2, 3, 4]


async def test_an_unknown_type_is_parked_until_a_build_knows_it(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.announce([1])
        await until(alpha.tally)
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", b"01a20309-a2a5-7636-bab6-a73d94d94795"),
            ("ce_source", b"/kierto/alpha"),
            ("ce_type", b"alpha.thing.painted"),
            ("ce_subject", b"thing_1"),
            ("ce_time", b"2026-03-04T08:00:00Z"),
            ("ce_sequence", b"00000000000000000002"),
        ]
        async with producer(alpha) as made:
            await made.send_and_wait(alpha.topic, b"{}", partition=0, headers=headers)
        async with alpha.pool.acquire() as connection:
            (letter,) = await until(lambda: dead_letters.dead_letters(connection))
        assert letter.state == "PARKED"
    # A build that knows the type: here, the record as an older build would have parked it.
    await alpha.pool.execute(
        "UPDATE chassis.dead_letters SET type = 'alpha.thing.counted', value = $1, headers = $2",
        b'{"thingId":"thing_1","number":5}',
        '{"ce_specversion":"1.0","ce_id":"01a20309-a2a5-7636-bab6-a73d94d94795","ce_source":"/kierto/alpha",'
        '"ce_type":"alpha.thing.counted","ce_subject":"thing_1","ce_time":"2026-03-04T08:00:00Z","ce_sequence":"2"}',
    )
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) >= 2) == [1, 5]


async def test_too_many_dead_letters_in_a_row_stop_the_consumer(alpha: Alpha) -> None:
    alpha.spoilt = set(range(100))
    consumer = alpha.consumer(retry_s=0.0, bad_in_a_row=3)
    async with running(alpha.relay(), consumer):
        for number in range(10):
            await alpha.announce([number], thing=f"thing_{number}")
        async with alpha.pool.acquire() as connection:
            await until(lambda: dead_letters.dead_letters(connection), lambda found: len(found) == 3)
            await until(lambda: asyncio.sleep(0, not consumer.ready))
            assert len(await dead_letters.dead_letters(connection)) == 3
        alpha.spoilt = set()
    async with running(alpha.consumer()):
        counted = "SELECT count(DISTINCT thing) FROM tally"
        await until(lambda: alpha.pool.fetchval(counted), lambda things: things == 7, within=20)


async def test_a_lost_database_connection_is_no_fault_of_an_event(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.announce(range(5))
        await until(alpha.tally, lambda tally: len(tally) == 5)
        admin = await asyncpg.connect(alpha.url)
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await admin.execute(f"{kill} AND pid <> pg_backend_pid()")
        await admin.close()
        await until(lambda: _announce_when_back(alpha))
        await until(alpha.tally, lambda tally: len(tally) >= 6)
        async with alpha.pool.acquire() as connection:
            assert await dead_letters.dead_letters(connection) == []


async def _announce_when_back(alpha: Alpha) -> bool:
    with contextlib.suppress(*NO_ONES_FAULT):
        await alpha.announce([5])
        return True
    return False
