"""Tests of the embedded PostgreSQL, Valkey and Kafka: started, used, stopped, restarted with their data."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.errors import StackError
from deploy.local.stack import Stack
from tests.support.servers import free_port_base


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "home", free_port_base(), caller={})
    try:
        yield stack
    finally:
        stack.stop()
        stack.delete()
    assert not (tmp_path / "home").exists()


async def test_it_keeps_its_data_over_a_restart(stack: Stack) -> None:
    stack.start(infrastructure_only=True)
    database = await asyncpg.connect(stack.environment.owner_database_url("orders"))
    await database.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('ämpäri')")
    await database.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.environment.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=stack.environment.kafka, enable_idempotence=True) as producer:
        await producer.send_and_wait("kept", b"event")
    cache = redis.asyncio.Redis.from_url(stack.environment.redis_url)
    assert await cache.set("key", "value")
    await cache.aclose()
    stack.stop()

    stack.start(infrastructure_only=True)

    database = await asyncpg.connect(stack.environment.owner_database_url("orders"))
    assert await database.fetchval("SELECT upper(word) FROM kept") == "ÄMPÄRI"
    await database.close()
    async with AIOKafkaConsumer(bootstrap_servers=stack.environment.kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition("kept", 0)])
        assert (await consumer.getone()).value == b"event"


async def test_the_role_of_the_processes_is_made_for_an_older_data_folder(stack: Stack) -> None:
    stack.start(infrastructure_only=True)
    url = stack.environment.database_url("orders")
    superuser = await asyncpg.connect(stack.infrastructure.postgres.admin_url, database="kierto_orders")
    await superuser.execute("DROP OWNED BY kierto_orders_runtime; DROP ROLE kierto_orders_runtime")

    stack.infrastructure.make_databases()

    database = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("CREATE TEMPORARY TABLE words (word text)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(url, database="kierto_identity")
    await database.close()
    await superuser.close()


async def test_a_service_reaches_its_own_database_only(stack: Stack) -> None:
    stack.start(infrastructure_only=True)
    own = stack.environment.owner_database_url("orders")

    database = await asyncpg.connect(own)
    await database.execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION unaccent")
    assert await database.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    await database.close()
    for other in ("kierto_identity", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(own, database=other)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(own, password="guessed")

    superuser = await asyncpg.connect(stack.infrastructure.postgres.admin_url)
    assert await superuser.fetchval("SHOW fsync") == "on"
    await superuser.close()


async def test_values_of_statements_do_not_reach_the_log(stack: Stack) -> None:
    stack.start(infrastructure_only=True)
    database = await asyncpg.connect(stack.environment.owner_database_url("orders"))
    await database.execute("CREATE TABLE people (mail text PRIMARY KEY)")
    await database.execute("INSERT INTO people VALUES ($1)", "liisa@planted.example")

    with pytest.raises(asyncpg.UniqueViolationError):
        await database.execute("INSERT INTO people VALUES ($1)", "liisa@planted.example")
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.execute("SELECT 'liisa@planted.example' FROM nothing")
    await database.close()

    assert "planted" not in stack.home.log("postgres").read_text()


def test_a_second_stack_in_the_folder_is_refused_and_harms_nothing(stack: Stack) -> None:
    stack.start(infrastructure_only=True)
    second = Stack(stack.home.root, free_port_base(), caller={})

    with pytest.raises(StackError, match="A stack runs in this folder already"):
        second.start(infrastructure_only=True)
    second.stop()

    assert stack.home.process_table.exists()
    stack.supervisor.await_ready(10)
