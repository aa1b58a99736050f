"""A service that a benchmark has to itself: a database with the chassis's tables, and topics; gone afterwards."""

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
    """Its name, its database, its topic of events, and another one for what it is measured against."""

    name: str
    database_url: str
    topic: str
    bare_topic: str


@contextlib.asynccontextmanager
async def run_benchmark_service(servers: Servers) -> AsyncIterator[BenchmarkService]:
    """Make one; it ends with the block."""
    name = f"bench{new_uuid().hex[-12:]}"
    made = BenchmarkService(name, servers.database_url(name), topic_of(name), topic_of(f"{name}.bare"))
    postgres = await asyncpg.connect(servers.database_url("postgres"))
    await postgres.execute(f"CREATE DATABASE {name}")
    try:
        await asyncio.to_thread(migrations.migrate, made.database_url, [migrations.CHASSIS_MIGRATIONS])
        await ensure_topics(servers.kafka, [made.topic, made.bare_topic])
        yield made
    finally:
        await _delete_topics(servers.kafka, [made.topic, made.bare_topic])
        await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await postgres.close()


async def _delete_topics(kafka: str, topics: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(topics)
    await admin.close()
