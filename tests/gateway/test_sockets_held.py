"""How many sockets may be held at once: by an address before who it is is known, then by who signed in."""

import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from services.chassis.ids import new_uuid, write_id
from services.chassis.websocket import TRY_AGAIN_LATER
from services.contracts.identity import SubjectKind
from tests.gateway.broken.playing import opened
from tests.gateway.house import House, open_house
from tests.support.servers import Servers
from tests.support.wait import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGERS, USERS = 3, 2
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def strict(server_addresses: Servers) -> AsyncIterator[House]:
    """A gateway at which few sockets may be held; a test says from where its callers come."""
    sockets = {"stranger": STRANGERS, "user": USERS}
    async with open_house(server_addresses, sockets=sockets, trusted_proxies=["127.0.0.0/8"]) as house:
        yield house


async def open_socket(
    stack: contextlib.AsyncExitStack, house: House, address: str, token: str | None = None
) -> ClientConnection:
    """A socket from this address, of who has this token; without one it does not even say who it is."""
    connection = await stack.enter_async_context(opened(house.url, **{"X-Forwarded-For": address}))
    if token is not None:
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        await connection.send(json.dumps(init))
    return connection


async def lives(connection: ClientConnection) -> bool:
    await connection.send('{"type": "ping"}')
    return bool(json.loads(await connection.recv())["type"] == "pong")


async def acknowledged(connection: ClientConnection) -> bool:
    return bool(json.loads(await connection.recv())["type"] == "connection_ack")


async def end_of(connection: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        await connection.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def a_user(house: House) -> str:
    return house.cast.identity.token(write_id("user", new_uuid()), SubjectKind.USER)


async def all_gone(house: House) -> None:
    await until(lambda: _count(house), lambda count: count == 0)
    assert not house.sockets._held


async def _count(house: House) -> int:
    return len(house.sockets._open)


async def test_the_oldest_stranger_of_an_address_makes_room_for_the_newest(strict: House) -> None:
    async with contextlib.AsyncExitStack() as stack:
        elsewhere = await open_socket(stack, strict, THERE)
        first, *others = [await open_socket(stack, strict, HERE) for _ in range(STRANGERS)]
        newest = await open_socket(stack, strict, HERE)
        assert await end_of(first) == (TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
        for one in (*others, newest, elsewhere):
            assert await lives(one)
    await all_gone(strict)


async def test_who_signs_in_is_kept_out_by_no_stranger_of_the_same_address(strict: House) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(STRANGERS):
            await open_socket(stack, strict, HERE)
        users = []
        for _ in range(3 * STRANGERS):
            users.append(await open_socket(stack, strict, HERE, a_user(strict)))
            assert await acknowledged(users[-1])
        for _ in range(2 * STRANGERS):
            await open_socket(stack, strict, HERE)
        for one in users:
            assert await lives(one)
    await all_gone(strict)


async def test_the_addresses_of_a_subscriber_are_one(strict: House) -> None:
    async with contextlib.AsyncExitStack() as stack:
        first, *_ = [await open_socket(stack, strict, f"2001:db8::{number}") for number in range(STRANGERS + 1)]
        assert await end_of(first) == (TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
    await all_gone(strict)


async def test_who_signed_in_holds_so_many_wherever_they_are(strict: House) -> None:
    token = a_user(strict)
    async with contextlib.AsyncExitStack() as stack:
        async with contextlib.AsyncExitStack() as first:
            assert await acknowledged(await open_socket(first, strict, HERE, token))
            assert await acknowledged(await open_socket(stack, strict, THERE, token))
            too_many = await open_socket(stack, strict, HERE, token)
            assert await end_of(too_many) == (4429, "TOO_MANY_SOCKETS")
            assert await acknowledged(await open_socket(stack, strict, HERE, a_user(strict))), "others are not meant"
        await until(lambda: _count(strict), lambda count: count == USERS)
        assert await acknowledged(await open_socket(stack, strict, HERE, token)), "there is room again"
    await all_gone(strict)
