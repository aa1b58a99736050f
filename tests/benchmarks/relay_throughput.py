"""Throughput of a backlog of events through the relay, against a bare producer with the same records."""

import asyncio
import contextlib
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence

import asyncpg
import msgspec
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from services.chassis.db.postgres import open_connection
from services.chassis.events import outbox
from services.chassis.events.outbox import PARTITIONS, TracedEvent
from services.chassis.ids import new_uuid, write_id
from tests.benchmarks.benchmark_service import BenchmarkService, run_benchmark_service
from tests.support.alpha import ThingCounted
from tests.support.polling import until
from tests.support.servers import ROOT, Servers

EVENTS, WARM_UP, ORGANISATIONS, ROUNDS = 100_000, 1_000, 1_000, 3
_PADDING = "x" * 150


class RelayThroughput(msgspec.Struct, frozen=True):
    """Events a second, of the relay and of the bare producer, each in its best round."""

    relay: float
    bare: float
    growth: int
    """Bytes of memory that the relay grew by."""


async def measure(servers: Servers) -> RelayThroughput:
    """Publish a backlog with a relay process, then its records with a bare producer, in turns."""
    async with run_benchmark_service(servers) as service:
        connection = await open_connection(service.database_url, name="bench")
        relayed: list[float] = []
        bare: list[float] = []
        async with _relay(service, servers.kafka) as relay:
            await _emit(connection, range(WARM_UP))
            await until(lambda: _published(connection), lambda up_to: up_to == WARM_UP, within=30)
            before = highest = relay.memory_info().rss
            for _ in range(ROUNDS):
                rate, rss = await _run_relay(connection, relay)
                relayed.append(rate)
                highest = max(highest, rss)
                bare.append(await _bare(servers.kafka, service))
        await connection.close()
        return RelayThroughput(max(relayed), max(bare), highest - before)


@contextlib.asynccontextmanager
async def _relay(service: BenchmarkService, kafka: str) -> AsyncIterator[psutil.Process]:
    program = [sys.executable, "-P", "-m", "tests.support.alpha_relay"]
    command = [*program, service.name, service.database_url, kafka, "1"]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


async def _run_relay(connection: "asyncpg.Connection[asyncpg.Record]", relay: psutil.Process) -> tuple[float, int]:
    end = await _published(connection) + EVENTS
    await _emit(connection, range(EVENTS))
    began, highest = time.perf_counter(), 0
    while await _published(connection) < end:
        highest = max(highest, relay.memory_info().rss)
        await asyncio.sleep(0.02)
    return EVENTS / (time.perf_counter() - began), highest


async def _emit(connection: "asyncpg.Connection[asyncpg.Record]", numbers: Sequence[int]) -> None:
    now = dt.datetime.now(dt.UTC)
    organisations = [write_id("org", new_uuid()) for _ in range(ORGANISATIONS)]
    async with connection.transaction():
        for begin in range(0, len(numbers), 5000):
            events = [
                TracedEvent(_thing_counted(organisations[number % ORGANISATIONS], number), None)
                for number in numbers[begin : begin + 5000]
            ]
            await outbox.write(connection, events, now)
    await connection.execute(outbox.WAKE_UP)


def _thing_counted(organisation: str, number: int) -> ThingCounted:
    return ThingCounted(thing_id=f"thing_{_PADDING}", organisation_id=organisation, number=number)


async def _published(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    up_to: int = await connection.fetchval("SELECT coalesce(max(sequence), 0) FROM chassis.published_up_to")
    return up_to


async def _bare(kafka: str, service: BenchmarkService) -> float:
    records = await _records(kafka, service.topic)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all")
    await producer.start()
    await producer.send_and_wait(service.bare_topic, b"warm")
    began = time.perf_counter()
    sent = [
        await producer.send(service.bare_topic, m.value, m.key, m.partition, m.timestamp, headers=list(m.headers))
        for m in records
    ]
    await asyncio.gather(*sent)
    seconds = time.perf_counter() - began
    await producer.stop()
    return len(records) / seconds


async def _records(kafka: str, topic: str) -> list[ConsumerRecord]:
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    consumer.assign(partitions)
    await consumer.start()
    await consumer.seek_to_beginning()
    records: list[ConsumerRecord] = []
    while len(records) < EVENTS:
        for messages in (await consumer.getmany(timeout_ms=1000)).values():
            records += messages
    await consumer.stop()
    return sorted(records[:EVENTS], key=lambda record: dict(record.headers)["ce_sequence"])
