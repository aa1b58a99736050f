"""A backlog of events through a worker, inbox row and counter included, against a bare consumer of the same records.

Both are processes of their own, one after the other. The worker writes a row in the inbox and increments a counter for
each event; the bare consumer reads its key, headers and value.
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence

import asyncpg
import msgspec
import psutil
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.chassis.db import postgres
from services.chassis.events import envelope
from services.chassis.events.consume.consumer import Consumer
from services.chassis.events.consume.handlers import Handlers, batch_handler
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.outbox import PARTITIONS, partition_of
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.ids import new_uuid, write_id
from services.chassis.runtime import gc_tuning
from services.chassis.runtime.clock import SystemClock
from services.chassis.telemetry import logging
from services.contracts.declare import topic_of
from tests.benchmarks.benchmark_service import BenchmarkService, run_benchmark_service
from tests.support.alpha import ThingCounted
from tests.support.servers import ROOT, Servers

EVENTS, WARM_UP, ORGANISATIONS, ROUNDS = 100_000, 5_000, 1_000, 3
_PADDING = "x" * 150
_COUNT = """
    INSERT INTO counters AS c (thing, events)
    SELECT thing, count(*) FROM unnest($1::text[]) AS thing GROUP BY 1 ORDER BY 1
    ON CONFLICT (thing) DO UPDATE SET events = c.events + excluded.events
"""


class ConsumerThroughput(msgspec.Struct, frozen=True):
    """Events a second, of the worker and of the bare consumer."""

    worker: float
    bare: float
    growth: int
    """Bytes of memory that the worker's process grew by."""


async def measure(servers: Servers) -> ConsumerThroughput:
    """Read a backlog with a bare consumer, then with a worker, in turns; return medians, and the largest growth."""
    rounds = [await _round(servers) for _ in range(ROUNDS)]
    return ConsumerThroughput(
        statistics.median(result.worker for result in rounds),
        statistics.median(result.bare for result in rounds),
        max(result.growth for result in rounds),
    )


async def _round(servers: Servers) -> ConsumerThroughput:
    async with run_benchmark_service(servers) as service:
        await _fill(servers.kafka, service)
        bare = float(await asyncio.to_thread(_run_and_read, "bare", service.name, servers.kafka))
        worker, growth = await _worker(service, servers.kafka)
        return ConsumerThroughput(worker, bare, growth)


async def _fill(kafka: str, service: BenchmarkService) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all")
    await producer.start()
    clock, generation = SystemClock("Europe/Helsinki"), new_uuid()
    organisations = [write_id("org", new_uuid()) for _ in range(ORGANISATIONS)]
    for number in range(EVENTS + WARM_UP):
        organisation = organisations[number % ORGANISATIONS]
        event = ThingCounted(thing_id=f"thing_{_PADDING}", organisation_id=organisation, number=number)
        trace = f"00-{new_uuid().hex}-0123456789abcdef-01"
        headers = envelope.event_headers(
            new_uuid(),
            "alpha.thing.counted",
            service.name,
            event.thing_id,
            clock.now(),
            number + 1,
            trace,
            organisation,
            generation,
        )
        value, key = msgspec.json.encode(event), organisation.encode()
        await producer.send(service.topic, value, key, partition_of(organisation), headers=headers)
    await producer.flush()
    await producer.stop()


def _run_and_read(*arguments: str) -> str:
    done = subprocess.run(_command(*arguments), env=_environment(), check=True, capture_output=True, text=True)
    return done.stdout


async def _worker(service: BenchmarkService, kafka: str) -> tuple[float, int]:
    connection = await asyncpg.connect(service.database_url)
    await connection.execute("CREATE TABLE counters (thing text PRIMARY KEY, events bigint NOT NULL)")
    command = _command("worker", service.name, kafka, service.database_url)
    process = subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL)
    try:
        ps_process = psutil.Process(process.pid)
        while (first_count := await _counted(connection)) < WARM_UP:
            await asyncio.sleep(0.005)
        began, before = time.perf_counter(), ps_process.memory_info().rss
        highest = before
        while await _counted(connection) < EVENTS + WARM_UP:
            highest = max(highest, ps_process.memory_info().rss)
            await asyncio.sleep(0.02)
        return (EVENTS + WARM_UP - first_count) / (time.perf_counter() - began), highest - before
    finally:
        process.terminate()
        process.wait(20)
        await connection.close()


async def _counted(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    events: int = await connection.fetchval("SELECT coalesce(sum(events), 0)::bigint FROM counters")
    return events


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "tests.benchmarks.consumer_throughput", *arguments]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


async def _read_bare(service: str, kafka: str) -> float:
    """Read all messages with a bare consumer; return the rate."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, max_poll_records=1000)
    consumer.assign([TopicPartition(topic_of(service), number) for number in range(PARTITIONS)])
    await consumer.start()
    await consumer.seek_to_beginning()
    read = size = 0
    began, first_count = 0.0, 0
    while read < EVENTS + WARM_UP:
        for messages in (await consumer.getmany(timeout_ms=1000)).values():
            for message in messages:
                size += len(message.key) + len(message.value) + len(message.headers)
            read += len(messages)
        if not began and read >= WARM_UP:
            began, first_count = time.perf_counter(), read
    seconds = time.perf_counter() - began
    await consumer.stop()
    assert size > EVENTS
    return (read - first_count) / seconds


async def _run_worker(service: str, kafka: str, url: str) -> None:
    async with _pool(url) as pool:
        clock = SystemClock("Europe/Helsinki")
        work = PostgresUnitOfWork(pool, clock, Transaction)
        handlers: Handlers[Transaction] = {ThingCounted: batch_handler(_count)}
        await Consumer(service, 1, kafka, [topic_of(service)], handlers, pool, work, clock).run(asyncio.Event())


async def _count(tx: Transaction, events: Sequence[ReceivedEvent[ThingCounted]]) -> None:
    await tx.connection.execute(_COUNT, [event.organisation_id for event in events])


@contextlib.asynccontextmanager
async def _pool(url: str) -> AsyncIterator[postgres.Pool]:
    pool = await postgres.open_pool(url, name="bench", size=5)
    yield pool
    await pool.close()


if __name__ == "__main__":
    role, arguments = sys.argv[1], sys.argv[2:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if role == "bare":
            sys.stdout.write(str(runner.run(_read_bare(arguments[0], arguments[1]))))
        else:
            logging.configure("bench-worker")
            gc_tuning.tune_gc()  # as in every process of Kierto; a bare consumer does not have it
            runner.run(_run_worker(arguments[0], arguments[1], arguments[2]))
