"""Subscribers that do not read: limited memory and time, a cursor to resume after, and no effect on others."""

import asyncio
import contextlib
import gc
import json
import socket
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from services.chassis.events.event_log import Cursor
from services.chassis.http.server import websocket_protocol
from services.chassis.http.server.websocket_protocol import TRY_AGAIN_LATER, WebSocketProtocol
from tests.gateway.gateway_fixture import EVENTS, PROTOCOL, GatewayFixture
from tests.gateway.order_events import placed
from tests.gateway.stubs.samples import PARTNER, partner_access
from tests.gateway.test_order_events import let_in
from tests.support.polling import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS_FLOWING = 3_000
SLOW_S = 5.0


@contextlib.asynccontextmanager
async def subscribe_without_reading(
    gateway: GatewayFixture, token: str, after: str | None = None
) -> AsyncIterator[ClientConnection]:
    """Subscribe on a connection with small buffers, and read nothing but the acknowledgement."""
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    end.connect(("127.0.0.1", int(gateway.url.rpartition(":")[2])))
    url = f"{gateway.url.replace('http', 'ws')}/graphql"
    async with connect(
        url,
        sock=end,
        subprotocols=[Subprotocol(PROTOCOL)],
        max_queue=1,
        ping_interval=None,
        close_timeout=0.1,
    ) as connection:
        payload = {"Authorization": f"Bearer {token}"}
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        subscribe = {"query": EVENTS, "variables": {"after": after}}
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": subscribe}))
        assert "Checkpoint" in str(await connection.recv())
        yield connection


async def read_to_the_end(connection: ClientConnection) -> tuple[list[int], ConnectionClosed]:
    """Return the sequence numbers that were sent, and the close of the connection."""
    sequences: list[int] = []
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            sequences.append(json.loads(await connection.recv())["payload"]["data"]["orderEvents"]["sequence"])
    return sequences, closed.value


async def read_after_close(connection: ClientConnection) -> tuple[list[int], ConnectionClosed, int]:
    """Read nothing until the gateway closes; return also the bytes in the gateway's buffer by then."""

    async def given_up() -> list[WebSocketProtocol]:
        return [one for one in open_protocols() if one.close_sent]

    (closing,) = await until(given_up)
    unread = closing.transport.get_write_buffer_size()
    return *await read_to_the_end(connection), unread


def open_protocols() -> list[WebSocketProtocol]:
    """Return all open connections of this process."""
    return [one for one in gc.get_objects() if type(one) is WebSocketProtocol and not one.disconnected]


async def publish(gateway: GatewayFixture, count: int) -> range:
    """Publish events without pauses, and return their sequence numbers."""
    first = gateway.services.orders.last + 1
    for begin in range(0, count, 500):
        numbers = range(begin, min(begin + 500, count))
        await asyncio.gather(*(gateway.publish(placed(number % 500), first + number) for number in numbers))
    return range(first, first + count)


@pytest.fixture(autouse=True)
def short_slow_limit(gateway: GatewayFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the send timeout of ten seconds, but not below the pauses of a busy machine."""
    monkeypatch.setattr(gateway.sockets, "send_timeout_s", SLOW_S)
    monkeypatch.setattr(websocket_protocol, "LINGER_S", 2.0)


async def test_a_client_that_never_reads_is_closed_with_its_cursor_and_delays_no_others(
    gateway: GatewayFixture,
) -> None:
    let_in(gateway, None)
    token = gateway.partner()
    async with gateway.socket(token) as quick, subscribe_without_reading(gateway, token) as slow:
        await quick.subscribe()
        await quick.next_item()
        reading = asyncio.create_task(read_after_close(slow))
        publishing = asyncio.create_task(publish(gateway, EVENTS_FLOWING))
        seen = [(await quick.next_item())["sequence"] for _ in range(EVENTS_FLOWING)]
        published = await publishing
        assert seen == list(published), "the others get everything in order"
        read, closed, unread = await reading
        assert unread < 2 * 64 * 1024, "bytes that lay in the process"
        assert closed.rcvd is not None
        assert closed.rcvd.code == TRY_AGAIN_LATER
        reason, cursor = closed.rcvd.reason.split()
        assert reason == "TOO_SLOW"
        assert read == list(published)[: len(read)], "the events read have no gap"
        assert Cursor.of(cursor).sequence == read[-1], "the cursor is behind the last delivered event"
    # The resumed client does read, but in the gateway's process: on a busy machine that takes a moment.
    gateway.sockets.send_timeout_s = 60
    async with gateway.socket(token) as back:
        await back.subscribe(after=cursor)
        await back.next_item()
        rest = [(await back.next_item())["sequence"] for _ in range(len(published) - len(read))]
        assert read + rest == list(published), "nothing is missed and nothing comes twice"


async def test_a_client_that_never_reads_leaks_nothing(gateway: GatewayFixture) -> None:
    let_in(gateway, None)
    async with subscribe_without_reading(gateway, gateway.partner()):
        before = len(open_protocols())
        await publish(gateway, 1000)
        await until(lambda: asyncio.sleep(0, len(open_protocols())), lambda now: now < before)
        assert not gateway.sockets._open


async def test_access_that_ends_closes_an_unread_socket(gateway: GatewayFixture) -> None:
    gateway.sockets.send_timeout_s = 60
    let_in(gateway, None)
    version = gateway.services.identity.access[PARTNER].version
    async with subscribe_without_reading(gateway, gateway.partner()) as slow:
        await publish(gateway, 1000)
        await gateway.publish_identity_event(partner_access(version=version + 1, active=False))
        await until(lambda: asyncio.sleep(0, bool(gateway.sockets._open)), lambda there: not there)
        _, closed = await read_to_the_end(slow)
        assert closed.rcvd is not None
        assert closed.rcvd.code == 4403
    let_in(gateway, None)
    await gateway.publish_identity_event(gateway.services.identity.access[PARTNER])
    await gateway.await_access_version(PARTNER, gateway.services.identity.access[PARTNER].version)
