"""The operations of a socket: their limit, and the release of those that ended."""

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from gateway.admission import GraphQLRequest
from gateway.http.websocket.connection import MAX_OPERATIONS
from tests.gateway.gateway_fixture import EVENTS, GatewayFixture
from tests.gateway.malformed.protocol_client import connect_websocket
from tests.gateway.stubs.samples import PARTNER, partner_access
from tests.support.polling import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAIRS, AT_ONCE = 3_000, 250
SOCKETS = 300
INIT = {"type": "connection_init"}
REQUEST = {"query": "{ me { username } }", "variables": {"held": ["by the request"]}}


@pytest.fixture
def gc_disabled() -> Iterator[None]:
    """Disable the cyclic garbage collector, so that objects in reference cycles stay."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def live_requests() -> int:
    """Return the number of requests in the memory of this process, which is also the gateway's."""
    return sum(type(one) is GraphQLRequest for one in gc.get_objects())


def frames(*messages: dict[str, Any]) -> bytes:
    return b"".join(Frame(Opcode.TEXT, json.dumps(one).encode()).serialize(mask=True) for one in messages)


def subscribe(name: str, payload: dict[str, Any] = REQUEST) -> dict[str, Any]:
    return {"type": "subscribe", "id": name, "payload": payload}


def complete(name: str) -> dict[str, Any]:
    return {"type": "complete", "id": name}


async def await_pong(connection: ClientConnection) -> None:
    """Wait until all sent messages are processed."""
    await connection.send('{"type": "ping"}')
    while json.loads(await connection.recv())["type"] != "pong":
        pass


async def test_operations_that_begin_and_end_in_one_write_are_freed(gateway: GatewayFixture, gc_disabled: None) -> None:
    async with connect_websocket(gateway.url) as connection:
        await connection.send(json.dumps(INIT))
        await await_pong(connection)
        before, tasks = live_requests(), len(asyncio.all_tasks())
        for begin in range(0, PAIRS, AT_ONCE):
            names = [str(number) for number in range(begin, begin + AT_ONCE)]
            connection.transport.write(b"".join(frames(subscribe(name), complete(name)) for name in names))
            await await_pong(connection)
        await until(lambda: asyncio.sleep(0, len(asyncio.all_tasks())), lambda now: now <= tasks)
        assert live_requests() - before <= AT_ONCE // 10, f"of {PAIRS} operations"


async def test_an_operation_is_freed_with_its_socket(gateway: GatewayFixture, gc_disabled: None) -> None:
    before = live_requests()
    for _ in range(SOCKETS):
        async with connect_websocket(gateway.url) as connection:
            connection.transport.write(frames(INIT, subscribe("1"), subscribe("2")))
            await connection.recv()
            connection.transport.abort()
    await until(lambda: asyncio.sleep(0, len(gateway.sockets._open)), lambda still: still == 0)
    await until(lambda: asyncio.sleep(0, live_requests()), lambda now: now - before <= SOCKETS // 10)
    assert not gateway.sockets._by_requester, "closed sockets are not counted"


async def test_the_number_of_running_operations_is_limited(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[PARTNER] = partner_access(None, version=1)
    async with gateway.socket(gateway.partner()) as socket:
        for number in range(MAX_OPERATIONS):
            await socket.connection.send_json(subscribe(str(number), {"query": EVENTS}))
            assert (await socket.next_item())["__typename"] == "Checkpoint"
        await socket.connection.send_json(subscribe("more", {"query": EVENTS}))
        message = await socket.next_message()
        assert (message["id"], message["type"]) == ("more", "error")
        extensions = {"code": "LIMIT_EXCEEDED", "limit": "operations", "value": 101, "allowed": 100}
        assert message["payload"][0]["extensions"] == extensions
        await socket.connection.send_json(complete("7"))
        await socket.connection.send_json(subscribe("more", {"query": EVENTS}))
        assert (await socket.next_message())["type"] == "next"
