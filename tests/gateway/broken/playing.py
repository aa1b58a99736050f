"""A client of graphql-transport-ws that breaks the protocol, and what becomes of its socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.gateway.broken.sockets import Sent
from tests.gateway.broken.wire import WITHIN_S
from tests.gateway.house import PROTOCOL


def socket_address(url: str) -> str:
    return url.replace("http", "ws", 1) + "/graphql"


@contextlib.asynccontextmanager
async def opened(url: str, **headers: str) -> AsyncIterator[ClientConnection]:
    """A socket whose handshake is done."""
    async with connect(
        socket_address(url),
        subprotocols=[Subprotocol(PROTOCOL)],
        additional_headers=headers,
        compression=None,
        close_timeout=WITHIN_S,
        open_timeout=WITHIN_S,
    ) as connection:
        yield connection


class End(msgspec.Struct, frozen=True):
    """The code that a socket was closed with, None if it still answered a ping; ``told``: the codes of its errors."""

    code: int | None
    told: frozenset[str]


async def play(url: str, sent: Sent) -> End:
    """What becomes of a socket on which this is sent; TimeoutError if nothing does."""
    told: set[str] = set()
    alive = False
    async with asyncio.timeout(2 * WITHIN_S), opened(url) as connection:
        try:
            for message in sent.messages:
                await _send(connection, message)
            await connection.send('{"type": "ping"}')
            while not alive or (sent.told and not told):
                answer = json.loads(await connection.recv())
                alive |= answer["type"] == "pong"
                if answer["type"] == "error":
                    told |= {error["extensions"]["code"] for error in answer["payload"]}
        except ConnectionClosed:
            return End(connection.close_code, frozenset(told))
        return End(None, frozenset(told))


def wrong_end(sent: Sent, end: End) -> str:
    """What is wrong with how a socket ended; empty if nothing."""
    if ((end.code in sent.codes) if sent.codes else end.code is None) and end.told <= set(sent.told):
        return ""
    return f"{sent.what}: {end}"


async def _send(connection: ClientConnection, message: str | bytes) -> None:
    """A text as a message, bytes as they are."""
    if isinstance(message, str):
        await connection.send(message)
    else:
        connection.transport.write(message)
