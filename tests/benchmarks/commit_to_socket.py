"""Time from the commit of an order to the socket of a subscriber, against a bare pipeline of the same steps."""

import asyncio
import datetime as dt
import statistics
import time
import uuid

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.stack import environment_of_running
from services.chassis.db import postgres
from services.chassis.db.notifier import CommitNotifier
from services.chassis.events import outbox
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.ids import new_uuid, write_id
from services.chassis.runtime.clock import SystemClock
from services.contracts.orders.events import OrderPlaced
from services.contracts.orders.orders import OrderKind, OrderState
from services.contracts.sites import Fraction
from tests.support.gateway_client import GatewayClient
from tests.support.partner_process import subscribe
from tests.support.stack import RunningStack

ROUNDS, WARM_UP = 200, 20


async def measure(stack: RunningStack, username: str, password: str) -> tuple[float, float]:
    """Return medians in seconds: ours, and the bare pipeline's, one after the other on the same idle stack."""
    environment = environment_of_running(stack.home)
    ours = await _ours(stack, environment.database_url("orders"), username, password)
    bare = await _bare(environment.owner_database_url("orders"), environment.kafka)
    return statistics.median(ours), statistics.median(bare)


async def _ours(stack: RunningStack, database_url: str, username: str, password: str) -> list[float]:
    pool = await postgres.open_pool(database_url, name="bench", size=2)
    stop = asyncio.Event()
    notifier = CommitNotifier(pool, outbox.WAKE_UP)
    notifying = asyncio.create_task(notifier.run(stop))
    work = PostgresUnitOfWork(pool, SystemClock("Europe/Helsinki"), Transaction, notifier.notify)
    durations: list[float] = []
    async with GatewayClient(stack.gateway) as staff:
        await staff.sign_in(username, password)
        url = f"{stack.gateway.replace('http', 'ws')}/graphql"
        async with subscribe(url, staff.token, None) as socket:
            await socket.recv()
            for _ in range(ROUNDS + WARM_UP):
                order_id = write_id("order", new_uuid())
                async with work() as tx:
                    tx.emit(order_placed(order_id))
                committed = time.perf_counter()
                while order_id not in str(await socket.recv()):
                    pass
                durations.append(time.perf_counter() - committed)
    stop.set()
    await notifying
    await pool.close()
    return durations[WARM_UP:]


def order_placed(order_id: str) -> OrderPlaced:
    """Return the event of a placed order."""
    return OrderPlaced(
        order_id=order_id,
        organisation_id=write_id("org", uuid.UUID(int=1)),
        site_id=write_id("site", uuid.UUID(int=2)),
        agreement_id=write_id("agreement", uuid.UUID(int=3)),
        article_id=write_id("article", uuid.UUID(int=4)),
        fraction=Fraction.RESIDUAL,
        kind=OrderKind.EXTRA_PICKUP,
        date=dt.date(2026, 4, 13),
        state=OrderState.RECEIVED,
        version=1,
    )


async def _bare(database_url: str, kafka: str) -> list[float]:
    topic = f"bench.{new_uuid()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name=topic, num_partitions=1, replication_factor=1)])
    writer, listener = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await producer.start()
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.start()
    await writer.execute(
        "CREATE TABLE bench (number integer)"
    )  # a logged table: its commit waits for the disk, as ours
    notified = asyncio.Event()
    await listener.add_listener("bench", lambda *_: notified.set())
    durations: list[float] = []
    for number in range(ROUNDS + WARM_UP):
        notified.clear()
        async with writer.transaction():
            await writer.execute("INSERT INTO bench VALUES ($1)", number)
        committed = time.perf_counter()
        await writer.execute("NOTIFY bench")
        await notified.wait()
        await producer.send(topic, str(number).encode())
        await consumer.getone()
        durations.append(time.perf_counter() - committed)
    await consumer.stop()
    await producer.stop()
    await writer.execute("DROP TABLE bench")
    await admin.delete_topics([topic])
    await admin.close()
    await writer.close()
    await listener.close()
    return durations[WARM_UP:]
