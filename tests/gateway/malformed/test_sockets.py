"""Each protocol violation once: the socket is closed with its code, or gets an error and stays open."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.malformed.protocol_client import check_outcome, connect_websocket, play_messages, socket_url
from tests.gateway.malformed.raw_http import exchange
from tests.gateway.malformed.sockets import (
    DUPLICATE_ID,
    HANDSHAKES,
    INIT,
    MESSAGES,
    NOT_ACCEPTABLE,
    SUBSCRIBE,
    MalformedMessages,
    handshake,
)
from tests.gateway.stubs.samples import ORGANISATION, PARTNER, partner_access

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("fields", HANDSHAKES.values(), ids=HANDSHAKES)
async def test_a_malformed_handshake(gateway: GatewayFixture, fields: tuple[str, ...]) -> None:
    (first, *_) = await exchange(gateway.url, [handshake(*fields)])
    assert first.status == 101 or 400 <= first.status < 500, first


@pytest.mark.parametrize("protocols", [None, ["nothing"], ["graphql-ws"], [f"p{number}" for number in range(200)]])
async def test_an_unsupported_subprotocol(gateway: GatewayFixture, protocols: list[Subprotocol] | None) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with connect(socket_url(gateway.url), subprotocols=protocols) as connection:
            await connection.send(INIT)
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == NOT_ACCEPTABLE


@pytest.mark.parametrize("sent", MESSAGES, ids=lambda one: one.name)
async def test_malformed_messages(gateway: GatewayFixture, sent: MalformedMessages) -> None:
    assert check_outcome(sent, await play_messages(gateway.url, sent)) == ""
    async with connect_websocket(gateway.url) as connection:
        await connection.send(INIT)
        assert json.loads(await connection.recv())["type"] == "connection_ack"


async def test_a_duplicate_operation_id(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[PARTNER] = partner_access(ORGANISATION, version=1)
    token = {"Authorization": f"Bearer {gateway.partner()}"}
    async with connect_websocket(gateway.url) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": token}))
        await connection.send(SUBSCRIBE)
        while json.loads(await connection.recv())["type"] != "next":
            pass
        await connection.send(SUBSCRIBE)
        with pytest.raises(ConnectionClosed):
            while True:
                await connection.recv()
        assert connection.close_code == DUPLICATE_ID
