"""A client of graphql-transport-ws that breaks the protocol, and what becomes of its socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.gateway.gateway_fixture import PROTOCOL
from tests.gateway.malformed.raw_http import TIMEOUT_S
from tests.gateway.malformed.sockets import MalformedMessages


def socket_url(url: str) -> str:
    return url.replace("http", "ws", 1) + "/graphql"


@contextlib.asynccontextmanager
async def connect_websocket(url: str, **headers: str) -> AsyncIterator[ClientConnection]:
    """A socket whose handshake is done."""
    async with connect(
        socket_url(url),
        subprotocols=[Subprotocol(PROTOCOL)],
        additional_headers=headers,
        compression=None,
        close_timeout=TIMEOUT_S,
        open_timeout=TIMEOUT_S,
    ) as connection:
        yield connection


class SocketOutcome(msgspec.Struct, frozen=True):
    """The code that a socket was closed with, None if it still answered a ping; ``told``: the codes of its errors."""

    code: int | None
    error_codes: frozenset[str]


async def play_messages(url: str, sent: MalformedMessages) -> SocketOutcome:
    """What becomes of a socket on which this is sent; TimeoutError if nothing does."""
    told: set[str] = set()
    alive = False
    async with asyncio.timeout(2 * TIMEOUT_S), connect_websocket(url) as connection:
        try:
            for message in sent.messages:
                await _send(connection, message)
            await connection.send('{"type": "ping"}')
            while not alive or (sent.error_codes and not told):
                answer = json.loads(await connection.recv())
                alive |= answer["type"] == "pong"
                if answer["type"] == "error":
                    told |= {error["extensions"]["code"] for error in answer["payload"]}
        except ConnectionClosed:
            return SocketOutcome(connection.close_code, frozenset(told))
        return SocketOutcome(None, frozenset(told))


def check_outcome(sent: MalformedMessages, end: SocketOutcome) -> str:
    """What is wrong with how a socket ended; empty if nothing."""
    if ((end.code in sent.codes) if sent.codes else end.code is None) and end.error_codes <= set(sent.error_codes):
        return ""
    return f"{sent.name}: {end}"


async def _send(connection: ClientConnection, message: str | bytes) -> None:
    """A text as a message, bytes as they are."""
    if isinstance(message, str):
        await connection.send(message)
    else:
        connection.transport.write(message)
