"""A client of graphql-transport-ws that violates the protocol, and the outcome of its socket."""

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
    """Open a socket."""
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
    """The close code, None if the socket answers a ping, and the codes of its errors."""

    code: int | None
    error_codes: frozenset[str]


async def play_messages(url: str, sent: MalformedMessages) -> SocketOutcome:
    """Send messages on a socket and return the outcome; TimeoutError if there is none."""
    error_codes: set[str] = set()
    alive = False
    async with asyncio.timeout(2 * TIMEOUT_S), connect_websocket(url) as connection:
        try:
            for message in sent.messages:
                await _send(connection, message)
            await connection.send('{"type": "ping"}')
            while not alive or (sent.error_codes and not error_codes):
                answer = json.loads(await connection.recv())
                alive |= answer["type"] == "pong"
                if answer["type"] == "error":
                    error_codes |= {error["extensions"]["code"] for error in answer["payload"]}
        except ConnectionClosed:
            return SocketOutcome(connection.close_code, frozenset(error_codes))
        return SocketOutcome(None, frozenset(error_codes))


def check_outcome(sent: MalformedMessages, outcome: SocketOutcome) -> str:
    """Return the difference from the expected outcome; empty if there is none."""
    if ((outcome.code in sent.codes) if sent.codes else outcome.code is None) and outcome.error_codes <= set(
        sent.error_codes
    ):
        return ""
    return f"{sent.name}: {outcome}"


async def _send(connection: ClientConnection, message: str | bytes) -> None:
    """Send a text as a message, bytes unchanged."""
    if isinstance(message, str):
        await connection.send(message)
    else:
        connection.transport.write(message)
