"""Events from a transaction through the relay and Kafka into another transaction."""

import pytest

from services.chassis.db.postgres import open_connection
from services.chassis.events import event_log
from services.chassis.events.envelope import ReceivedEvent, decode_event
from services.chassis.events.outbox import partition_of
from services.chassis.events.publish import lease, sequencer
from tests.integration.chassis.events.publish.published_records import delete_topic, records
from tests.support.alpha import Alpha, ThingCounted, organisation, running
from tests.support.polling import until


async def test_emitted_events_take_effect_once_and_in_order(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.emit(range(200))
        assert await until(alpha.tally, lambda tally: len(tally) >= 200) == list(range(200))
    sequences = sorted(int(record.headers["ce_sequence"]) for record in await records(alpha))
    assert sequences == list(range(1, 201)), "gapless"


async def test_a_transaction_that_fails_emits_nothing(alpha: Alpha) -> None:
    with pytest.raises(RuntimeError):
        async with alpha.work() as tx:
            tx.emit(ThingCounted(thing_id="thing_1", number=1))
            raise RuntimeError
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox") == 0


async def test_records_are_cloud_events_keyed_by_organisation(alpha: Alpha) -> None:
    org = organisation()
    async with running(alpha.relay()):
        await alpha.emit([7], organisation=org)
        (record,) = await until(lambda: records(alpha))
    assert record.key == org.encode()
    assert record.partition == partition_of(org)
    assert record.headers["ce_specversion"] == "1.0"
    assert record.headers["ce_type"] == "alpha.thing.counted"
    assert record.headers["ce_sequence"] == "0" * 19 + "1"
    assert record.headers["ce_partitionkey"] == org
    event = decode_event(record)
    assert isinstance(event, ReceivedEvent)
    assert event.data == ThingCounted(thing_id="thing_1", organisation_id=org, number=7)


async def test_one_relay_leads_and_another_takes_over_when_it_ends(alpha: Alpha) -> None:
    async with running(alpha.consumer()):
        async with running(alpha.relay("1"), alpha.relay("2")):
            await alpha.emit(range(50))
            await until(alpha.tally, lambda tally: len(tally) == 50)
        async with running(alpha.relay("2")):
            await alpha.emit(range(50, 100))
            assert await until(alpha.tally, lambda tally: len(tally) >= 100) == list(range(100))


async def test_a_former_leader_can_neither_assign_sequences_nor_renew_the_lease(alpha: Alpha) -> None:
    await alpha.emit(range(3))
    connection = await open_connection(alpha.url, name="test")
    old = await lease.acquire(connection, "old")
    assert old is not None
    await connection.execute("UPDATE chassis.leader SET until = '-infinity'")
    new = await lease.acquire(connection, "new")
    assert new == old + 1
    with pytest.raises(lease.LeadershipLost):
        await sequencer.assign_sequences(connection, old)
    with pytest.raises(lease.LeadershipLost):
        await lease.renew(connection, old)
    assert [event.sequence for event in (await sequencer.assign_sequences(connection, new)).events] == [1, 2, 3]
    await connection.close()


async def test_a_recreated_topic_is_republished_and_no_event_takes_effect_twice(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.emit(range(20))
        await until(alpha.tally, lambda tally: len(tally) == 20)
    await delete_topic(alpha)
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.emit(range(20, 25))
        assert await until(alpha.tally, lambda tally: len(tally) >= 25) == list(range(25))
    assert len({record.event_id for record in await records(alpha)}) == 25


async def test_a_broker_ahead_of_the_database_begins_a_new_generation(alpha: Alpha) -> None:
    async with running(alpha.relay()):
        await alpha.emit(range(10))
        await until(lambda: records(alpha), lambda found: len(found) == 10)
    async with alpha.pool.acquire() as connection:
        before = await event_log.read_bounds(connection)
        # The database is restored to before the last five events.
        await connection.execute("DELETE FROM chassis.outbox WHERE sequence > 5")
        await connection.execute("UPDATE chassis.leader SET last_sequence = 5")
    async with running(alpha.relay()):
        await alpha.emit([99])
        await until(lambda: records(alpha), lambda found: any(r.headers["ce_sequence"][-2:] == "11" for r in found))
    async with alpha.pool.acquire() as connection:
        after = await event_log.read_bounds(connection)
    assert after.generation != before.generation
    assert after.resolve(str(before.end)) is None, "a cursor of the old generation has expired"
