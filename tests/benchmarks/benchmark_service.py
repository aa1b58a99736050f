"""A service for a benchmark: a database with the chassis's tables, and topics, deleted afterwards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import asyncpg
import msgspec
from aiokafka.admin import AIOKafkaAdminClient

from services.chassis.db import migrations
from services.chassis.events.kafka import ensure_topics
from services.chassis.ids import new_uuid
from services.contracts.declare import topic_of
from tests.support.servers import Servers


class BenchmarkService(msgspec.Struct, frozen=True):
    """Name, database and topics of the service."""

    name: str
    database_url: str
    topic: str
    bare_topic: str
    """Topic of the client that it is compared with."""


@contextlib.asynccontextmanager
async def run_benchmark_service(servers: Servers) -> AsyncIterator[BenchmarkService]:
    """Make a service for the length of a block."""
    name = f"bench{new_uuid().hex[-12:]}"
    service = BenchmarkService(name, servers.database_url(name), topic_of(name), topic_of(f"{name}.bare"))
    postgres = await asyncpg.connect(servers.database_url("postgres"))
    await postgres.execute(f"CREATE DATABASE {name}")
    try:
        await asyncio.to_thread(migrations.migrate, service.database_url, [migrations.CHASSIS_MIGRATIONS])
        await ensure_topics(servers.kafka, [service.topic, service.bare_topic])
        yield service
    finally:
        await _delete_topics(servers.kafka, [service.topic, service.bare_topic])
        await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await postgres.close()


async def _delete_topics(kafka: str, topics: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(topics)
    await admin.close()
