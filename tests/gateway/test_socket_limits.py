"""The limits of open sockets: by address before signing in, then by subject."""

import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from services.chassis.http.server.websocket_protocol import TRY_AGAIN_LATER
from services.chassis.ids import new_uuid, write_id
from services.contracts.permission import SubjectKind
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.gateway.malformed.protocol_client import connect_websocket
from tests.support.polling import until
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGERS, USERS = 3, 2
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def few_sockets_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with low limits of sockets; a test sets the address of its callers."""
    sockets = {"stranger": STRANGERS, "user": USERS}
    async with run_gateway(server_addresses, sockets=sockets, trusted_proxies=["127.0.0.0/8"]) as gateway:
        yield gateway


async def open_socket(
    stack: contextlib.AsyncExitStack, gateway: GatewayFixture, address: str, token: str | None = None
) -> ClientConnection:
    """Open a socket from an address; without a token it sends no ``connection_init``."""
    connection = await stack.enter_async_context(connect_websocket(gateway.url, **{"X-Forwarded-For": address}))
    if token is not None:
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        await connection.send(json.dumps(init))
    return connection


async def is_alive(connection: ClientConnection) -> bool:
    await connection.send('{"type": "ping"}')
    return bool(json.loads(await connection.recv())["type"] == "pong")


async def await_ack(connection: ClientConnection) -> bool:
    return bool(json.loads(await connection.recv())["type"] == "connection_ack")


async def close_code_of(connection: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        await connection.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def new_user(gateway: GatewayFixture) -> str:
    return gateway.services.identity.token(write_id("user", new_uuid()), SubjectKind.USER)


async def await_no_sockets(gateway: GatewayFixture) -> None:
    await until(lambda: _count(gateway), lambda count: count == 0)
    assert not gateway.sockets._by_requester


async def _count(gateway: GatewayFixture) -> int:
    return len(gateway.sockets._open)


async def test_the_oldest_anonymous_socket_of_an_address_is_closed(few_sockets_gateway: GatewayFixture) -> None:
    async with contextlib.AsyncExitStack() as stack:
        elsewhere = await open_socket(stack, few_sockets_gateway, THERE)
        first, *others = [await open_socket(stack, few_sockets_gateway, HERE) for _ in range(STRANGERS)]
        newest = await open_socket(stack, few_sockets_gateway, HERE)
        assert await close_code_of(first) == (TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
        for one in (*others, newest, elsewhere):
            assert await is_alive(one)
    await await_no_sockets(few_sockets_gateway)


async def test_anonymous_sockets_of_an_address_keep_no_caller_out(few_sockets_gateway: GatewayFixture) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(STRANGERS):
            await open_socket(stack, few_sockets_gateway, HERE)
        users = []
        for _ in range(3 * STRANGERS):
            users.append(await open_socket(stack, few_sockets_gateway, HERE, new_user(few_sockets_gateway)))
            assert await await_ack(users[-1])
        for _ in range(2 * STRANGERS):
            await open_socket(stack, few_sockets_gateway, HERE)
        for one in users:
            assert await is_alive(one)
    await await_no_sockets(few_sockets_gateway)


async def test_the_addresses_of_an_ipv6_network_count_as_one(few_sockets_gateway: GatewayFixture) -> None:
    async with contextlib.AsyncExitStack() as stack:
        first, *_ = [
            await open_socket(stack, few_sockets_gateway, f"2001:db8::{number}") for number in range(STRANGERS + 1)
        ]
        assert await close_code_of(first) == (TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
    await await_no_sockets(few_sockets_gateway)


async def test_a_callers_sockets_are_counted_across_addresses(few_sockets_gateway: GatewayFixture) -> None:
    token = new_user(few_sockets_gateway)
    async with contextlib.AsyncExitStack() as stack:
        async with contextlib.AsyncExitStack() as first:
            assert await await_ack(await open_socket(first, few_sockets_gateway, HERE, token))
            assert await await_ack(await open_socket(stack, few_sockets_gateway, THERE, token))
            too_many = await open_socket(stack, few_sockets_gateway, HERE, token)
            assert await close_code_of(too_many) == (4429, "TOO_MANY_SOCKETS")
            assert await await_ack(
                await open_socket(stack, few_sockets_gateway, HERE, new_user(few_sockets_gateway))
            ), "others are not meant"
        await until(lambda: _count(few_sockets_gateway), lambda count: count == USERS)
        assert await await_ack(await open_socket(stack, few_sockets_gateway, HERE, token)), (
            "the limit admits a socket again"
        )
    await await_no_sockets(few_sockets_gateway)
