"""Each broken socket once: it is closed with the code that says why, or told and kept."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.gateway.actors.samples import ORGANISATION, PARTNER, partner_access
from tests.gateway.broken.playing import opened, play, socket_address, wrong_end
from tests.gateway.broken.sockets import HANDSHAKES, INIT, NOT_ACCEPTABLE, SENT, SUBSCRIBE, TAKEN, Sent, handshake
from tests.gateway.broken.wire import answers
from tests.gateway.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("fields", HANDSHAKES.values(), ids=HANDSHAKES)
async def test_a_broken_handshake(house: House, fields: tuple[str, ...]) -> None:
    (first, *_) = await answers(house.url, [handshake(*fields)])
    assert first.status == 101 or 400 <= first.status < 500, first


@pytest.mark.parametrize("protocols", [None, ["nothing"], ["graphql-ws"], [f"p{number}" for number in range(200)]])
async def test_a_protocol_that_is_not_spoken_here(house: House, protocols: list[Subprotocol] | None) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        async with connect(socket_address(house.url), subprotocols=protocols) as connection:
            await connection.send(INIT)
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == NOT_ACCEPTABLE


@pytest.mark.parametrize("sent", SENT, ids=lambda one: one.what)
async def test_a_broken_socket(house: House, sent: Sent) -> None:
    assert wrong_end(sent, await play(house.url, sent)) == ""
    async with opened(house.url) as connection:
        await connection.send(INIT)
        assert json.loads(await connection.recv())["type"] == "connection_ack"


async def test_an_id_that_is_taken(house: House) -> None:
    house.cast.identity.access[PARTNER] = partner_access(ORGANISATION, version=1)
    token = {"Authorization": f"Bearer {house.partner()}"}
    async with opened(house.url) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": token}))
        await connection.send(SUBSCRIBE)
        while json.loads(await connection.recv())["type"] != "next":
            pass
        await connection.send(SUBSCRIBE)
        with pytest.raises(ConnectionClosed):
            while True:
                await connection.recv()
        assert connection.close_code == TAKEN
