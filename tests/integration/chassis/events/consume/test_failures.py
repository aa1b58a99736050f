"""Transient errors are retried and never make a dead letter; a handler's own errors do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS
from services.chassis.events.consume import dead_letters
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.transaction import Transaction
from tests.integration.chassis.events.topic import TopicWriter
from tests.support.alpha import Alpha, ThingCounted, running
from tests.support.owner import execute_as_owner
from tests.support.polling import until


def counted(number: int, thing: str = "thing_1") -> ThingCounted:
    return ThingCounted(thing_id=thing, number=number)


async def reasons(alpha: Alpha) -> list[str]:
    async with alpha.pool.acquire() as connection:
        return [letter.reason for letter in await dead_letters.page(connection, 0, 100)]


@contextlib.asynccontextmanager
async def foreign_connection(alpha: Alpha) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Open a connection that is not the service's, as the superuser."""
    connection = await asyncpg.connect(alpha.servers.database_url(alpha.url.rpartition("/")[2]))
    try:
        yield connection
    finally:
        await connection.close()


async def blocked_by(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Return whether another connection waits for a lock that this one holds."""
    query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    return bool(await connection.fetchval(query))


LONGER_THAN_RETRIES = 12


async def test_terminated_connections_make_no_dead_letter(alpha: Alpha, topic: TopicWriter) -> None:
    kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
    async with running(alpha.consumer(retry_s=0.0)), foreign_connection(alpha) as admin:
        for number in range(LONGER_THAN_RETRIES):
            await topic.send(counted(number))
            await admin.execute(f"{kill} AND pid <> pg_backend_pid()")
        await until(lambda: _tally(alpha), lambda tally: len(tally) >= LONGER_THAN_RETRIES)
        assert await _tally(alpha) == list(range(LONGER_THAN_RETRIES))
        assert await reasons(alpha) == []


async def _tally(alpha: Alpha) -> list[int]:
    with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
        return await alpha.tally()
    return []


async def test_a_deadlock_makes_no_dead_letter(alpha: Alpha, topic: TopicWriter) -> None:
    attempts = 0

    async def count(tx: Transaction, event: ReceivedEvent[ThingCounted]) -> None:
        nonlocal attempts
        await tx.connection.execute("SELECT pg_advisory_xact_lock(1)")
        attempts += 1
        await tx.connection.execute("SELECT pg_advisory_xact_lock(2)")
        await tx.connection.execute("INSERT INTO tally (thing, number) VALUES ('thing_1', $1)", event.data.number)

    consumer = alpha.consumer(retry_s=0.0)
    consumer.batch_processor._handlers = {ThingCounted: count}
    async with foreign_connection(alpha) as other, running(consumer):
        await other.execute(
            "SET deadlock_timeout = '10s'"
        )  # so that the worker detects the deadlock, and is its victim
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT pg_advisory_xact_lock(2)")
        await topic.send(counted(1))
        await until(lambda: blocked_by(other))
        # The worker's deadlock_timeout of one second ends its transaction.
        with contextlib.suppress(asyncpg.DeadlockDetectedError):
            await other.execute("SELECT pg_advisory_xact_lock(1)")
        await transaction.rollback()
        assert await until(alpha.tally) == [1]
        assert attempts >= 2, "it was retried"
        assert await reasons(alpha) == []


@pytest.mark.parametrize("setting", ["lock_timeout", "statement_timeout", "transaction_timeout"])
async def test_a_timeout_of_the_server_makes_no_dead_letter(alpha: Alpha, topic: TopicWriter, setting: str) -> None:
    database = alpha.url.rpartition("/")[2]
    await execute_as_owner(alpha.pool, f"ALTER DATABASE {database} SET {setting} = '100ms'")
    await alpha.pool.expire_connections()
    async with foreign_connection(alpha) as other, running(alpha.consumer(retry_s=0.0)):
        await other.execute(f"SET {setting} = 0")
        async with other.transaction():
            await other.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
            await topic.send(counted(1))
            for _ in range(3):
                await until(lambda: blocked_by(other))
                await until(lambda: blocked_by(other), lambda waits: not waits)
        assert await until(alpha.tally) == [1]
        assert await reasons(alpha) == []


async def test_a_cancelled_query_makes_no_dead_letter(alpha: Alpha, topic: TopicWriter) -> None:
    waiting = "FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    async with foreign_connection(alpha) as other, running(alpha.consumer(retry_s=0.0)):
        async with other.transaction():
            await other.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
            await topic.send(counted(1))
            for _ in range(3):
                await until(lambda: blocked_by(other))
                await other.execute("SELECT pg_stat_clear_snapshot()")
                assert await other.fetchval(f"SELECT count(pg_cancel_backend(pid)) {waiting}") == 1
        assert await until(alpha.tally) == [1]
        assert await reasons(alpha) == []


async def test_a_read_only_database_makes_no_dead_letter(alpha: Alpha, topic: TopicWriter) -> None:
    database = alpha.url.rsplit("/", 1)[1]
    async with foreign_connection(alpha) as other, running(alpha.consumer(retry_s=0.0)):
        await topic.send(counted(1))
        await until(alpha.tally)
        await other.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        await alpha.pool.expire_connections()
        await topic.send(counted(2))
        read_only = "SELECT count(*) FROM pg_stat_database WHERE datname = current_database() AND xact_rollback > $1"
        before = await other.fetchval("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        await until(lambda: other.fetchval(read_only, before))
        await other.execute("SET default_transaction_read_only = off")
        await other.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        await alpha.pool.expire_connections()
        assert await until(alpha.tally, lambda tally: len(tally) == 2) == [1, 2]
        assert await reasons(alpha) == []


@pytest.mark.parametrize(
    "failure",
    [
        FileNotFoundError("a template that is not in this build"),
        ConnectionRefusedError("a call that it should not make"),
        KeyError("x"),
        asyncpg.UniqueViolationError("a rule of the database"),
        asyncpg.InterfaceError("another operation is in progress"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_an_error_of_a_handler_dead_letters_its_event(
    alpha: Alpha, topic: TopicWriter, failure: Exception
) -> None:
    alpha.spoilt, alpha.failure = {1}, failure
    async with running(alpha.consumer(retry_s=0.1)):
        await topic.send(counted(1), counted(2, "thing_2"))
        assert await until(lambda: alpha.tally("thing_2")) == [2]
        (reason,) = await until(lambda: reasons(alpha))
        assert type(failure).__name__ in reason


async def test_a_value_that_the_database_refuses_dead_letters_its_event(alpha: Alpha, topic: TopicWriter) -> None:
    async with running(alpha.consumer(retry_s=0.1)):
        nul = topic.record(counted(1, "thing_\0"), ce_subject="thing_3")
        await topic.send(counted(2**40), nul, counted(2, "thing_2"))
        assert await until(lambda: alpha.tally("thing_2")) == [2]
        found = await until(lambda: reasons(alpha), lambda found: len(found) == 2)
        assert sorted(reason.split(":")[0] for reason in found) == ["CharacterNotInRepertoireError", "DataError"]


async def test_an_event_that_fails_for_a_while_is_retried_until_it_takes_effect(
    alpha: Alpha, topic: TopicWriter
) -> None:
    alpha.spoilt = {1}
    async with running(alpha.consumer(retry_s=30.0)):
        await topic.send(counted(1), counted(2))
        fails = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        before = await alpha.pool.fetchval(fails)
        await until(lambda: alpha.pool.fetchval(fails), lambda now: now > before)
        alpha.spoilt = set()
        assert await until(alpha.tally, lambda tally: len(tally) == 2) == [1, 2]
        assert await reasons(alpha) == []


async def test_a_worker_that_stops_finishes_its_batch(alpha: Alpha, topic: TopicWriter) -> None:
    stop = asyncio.Event()
    async with foreign_connection(alpha) as other:
        async with other.transaction():
            await other.execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE")
            consuming = asyncio.create_task(alpha.consumer().run(stop))
            await topic.send(counted(1), counted(2))
            await until(lambda: blocked_by(other))
            stop.set()
        await consuming
    assert 1 in await alpha.tally()
    assert await alpha.pool.fetchval('SELECT max("offset") + 1 FROM chassis.positions') == len(await alpha.tally())
