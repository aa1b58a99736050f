"""Recovery after a SIGKILL of the broker: from its readiness to the first event at the broker, and at a subscriber."""

import asyncio
import contextlib
import time

import asyncpg
from websockets.asyncio.client import ClientConnection

from deploy.local.kafka import count_brokers
from deploy.local.stack import environment_of_running
from services.chassis.db import postgres
from services.chassis.events import outbox
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.ids import new_uuid, write_id
from services.chassis.runtime.clock import SystemClock
from tests.benchmarks.commit_to_socket import order_placed
from tests.support.gateway_client import GatewayClient
from tests.support.partner_process import subscribe
from tests.support.polling import until
from tests.support.stack import RunningStack

ROUNDS = 3
_UNPUBLISHED = """
    SELECT EXISTS (SELECT 1 FROM chassis.outbox WHERE sequence IS NULL)
        OR (SELECT min(sequence) FROM chassis.published_up_to) < (SELECT last_sequence FROM chassis.leader)
"""


async def measure(stack: RunningStack, username: str, password: str) -> tuple[list[float], list[float]]:
    """Return the seconds from readiness, round by round: to the acknowledgement of the event, and to a subscriber."""
    url = environment_of_running(stack.home).database_url("orders")
    pool = await postgres.open_pool(url, name="bench", size=2)
    work = PostgresUnitOfWork(pool, SystemClock("Europe/Helsinki"), Transaction)
    published: list[float] = []
    received: list[float] = []
    async with GatewayClient(stack.gateway) as staff:
        await staff.sign_in(username, password)
        ws = f"{stack.gateway.replace('http', 'ws')}/graphql"
        async with subscribe(ws, staff.token, None) as socket:
            await socket.recv()
            for _ in range(ROUNDS):
                await _kill_and_wait(stack)
                ready = time.perf_counter()
                order_id = write_id("order", new_uuid())
                async with work() as tx:
                    tx.emit(order_placed(order_id))
                await pool.execute(outbox.WAKE_UP)
                at_broker, at_subscriber = await asyncio.gather(_published(pool), _received(socket, order_id))
                published.append(at_broker - ready)
                received.append(at_subscriber - ready)
    await pool.close()
    return published, received


async def _kill_and_wait(stack: RunningStack) -> None:
    before = stack.pid("kafka")
    stack.kill("kafka")
    await until(lambda: asyncio.to_thread(_is_back, stack, before), within=60)


def _is_back(stack: RunningStack, before: int) -> bool:
    with contextlib.suppress(OSError, KeyError):
        return stack.replaced("kafka", before) and count_brokers(stack.ports.of("kafka")) > 0
    return False


async def _published(pool: "asyncpg.Pool[asyncpg.Record]") -> float:
    await until(lambda: pool.fetchval(_UNPUBLISHED), lambda unpublished: not unpublished, within=60)
    return time.perf_counter()


async def _received(socket: ClientConnection, order_id: str) -> float:
    async with asyncio.timeout(60):
        while order_id not in str(await socket.recv()):
            pass
    return time.perf_counter()
