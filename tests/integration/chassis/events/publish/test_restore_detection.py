"""A database restored from a backup, beside a broker that was not."""

import datetime as dt

import pytest
from aiokafka import AIOKafkaProducer

from services.chassis.events import event_log
from services.chassis.events.publish.restore_detection import RESTORE_VERSION_INCREMENT, find_last_restore
from services.chassis.problems import NotReadyYet
from tests.integration.chassis.events.publish.published_records import await_published, emit, records
from tests.support.alpha import Alpha, running
from tests.support.owner import execute_as_owner, owner_of
from tests.support.polling import until

TABLES = ("outbox", "leader", "published", "published_up_to")


async def back_up(alpha: Alpha) -> None:
    for table in TABLES:
        await execute_as_owner(alpha.pool, f"CREATE TABLE {table}_kept AS SELECT * FROM chassis.{table}")


async def restore(alpha: Alpha) -> None:
    async with owner_of(alpha.pool) as connection, connection.transaction():
        for table in TABLES:
            await connection.execute(f"DELETE FROM chassis.{table}")
            await connection.execute(f"INSERT INTO chassis.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {table}_kept")


async def last_restore(alpha: Alpha) -> dt.datetime | None:
    async with alpha.pool.acquire() as connection:
        return await find_last_restore(connection)


async def append_old_duplicates(alpha: Alpha) -> None:
    """Append each partition's first record again, as a leader that was suspended and resumed would."""
    producer = AIOKafkaProducer(bootstrap_servers=alpha.servers.kafka)
    await producer.start()
    for record in await records(alpha):
        if record.offset == 0:
            headers = [(name, text.encode()) for name, text in record.headers.items()]
            await producer.send_and_wait(alpha.topic, record.value, record.key, record.partition, headers=headers)
    await producer.stop()


@pytest.mark.parametrize("duplicates", [False, True], ids=["", "before old duplicates"])
@pytest.mark.parametrize("known", [True, False], ids=["", "without a checkpoint of this cluster"])
async def test_a_restored_database_begins_a_new_generation_above_the_highest(
    alpha: Alpha, capsys: pytest.CaptureFixture[str], duplicates: bool, known: bool
) -> None:
    await alpha.pool.execute("INSERT INTO things VALUES ('thing_1', 7)")
    with pytest.raises(NotReadyYet):
        await last_restore(alpha)
    if not known:
        await back_up(alpha)
    async with running(alpha.relay()):
        await emit(alpha, range(20))
        await await_published(alpha)
    if known:
        await back_up(alpha)
    async with running(alpha.relay()):
        await emit(alpha, range(20, 50))
        await await_published(alpha)
        assert await last_restore(alpha) is None
    async with alpha.pool.acquire() as connection:
        before = await event_log.read_bounds(connection)
    if duplicates:
        await append_old_duplicates(alpha)
    await restore(alpha)
    with pytest.raises(NotReadyYet):
        await last_restore(alpha)
    async with running(alpha.relay()):
        await alpha.emit([99])
        found = await until(lambda: records(alpha), lambda found: any(record.sequence == 51 for record in found))
        assert await last_restore(alpha) == alpha.clock.now()
    async with alpha.pool.acquire() as connection:
        after = await event_log.read_bounds(connection)
    assert after.generation != before.generation
    assert after.resolve(str(before.end)) is None, "a cursor of the old generation has expired"
    assert {r.generation for r in found if r.sequence == 51} == {str(after.generation)}
    assert await alpha.pool.fetchval("SELECT version FROM things") == 7 + RESTORE_VERSION_INCREMENT
    logged = capsys.readouterr().out
    assert "the database was restored" in logged
    assert f"kierto announce {alpha.name}" in logged
    async with running(alpha.relay()):
        await alpha.emit([100])
        await until(lambda: records(alpha), lambda found: any(record.sequence == 52 for record in found))
    async with alpha.pool.acquire() as connection:
        assert (await event_log.read_bounds(connection)).generation == after.generation, "once"
    assert await alpha.pool.fetchval("SELECT version FROM things") == 7 + RESTORE_VERSION_INCREMENT


@pytest.mark.parametrize("sequence", ["99999999999999999999", "many", "5" * 5000], ids=["huge", "no number", "long"])
async def test_records_of_other_writers_begin_no_generation(alpha: Alpha, sequence: str) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(5))
        await await_published(alpha)
    async with alpha.pool.acquire() as connection:
        before = await event_log.read_bounds(connection)
    producer = AIOKafkaProducer(bootstrap_servers=alpha.servers.kafka)
    await producer.start()
    own_source = ("ce_source", f"/kierto/{alpha.name}".encode())
    await producer.send_and_wait(alpha.topic, b"", headers=[own_source, ("ce_sequence", sequence.encode())])
    await producer.send_and_wait(
        alpha.topic, b"", headers=[("ce_source", b"/another"), ("ce_sequence", b"00000000000000000900")]
    )
    await producer.stop()
    async with running(alpha.relay()):
        await alpha.emit([6])
        await until(lambda: records(alpha), lambda found: any(record.sequence == 6 for record in found))
    async with alpha.pool.acquire() as connection:
        assert (await event_log.read_bounds(connection)).generation == before.generation
