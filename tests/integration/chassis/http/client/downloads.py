"""Helpers for tests of downloads."""

import asyncio
import contextlib

from services.chassis.http.client.download import Download
from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import field_lines
from tests.integration.chassis.http.client.scripted_server import Act, Peer, echo_bodies

BEGIN = b"HTTP/1.1 200 OK\r\n"
CHUNKED = BEGIN + b"Transfer-Encoding: chunked\r\n\r\n"


async def download(origin: Origin, *, timeout_s: float = 5, pause_s: float = 5) -> Download:
    return await origin.download(
        origin.start("GET", "/file"), field_lines({"A": "b"}), timeout_s=timeout_s, pause_s=pause_s
    )


async def read_all(response: Download) -> bytes:
    return b"".join([piece async for piece in response])


def respond_with(*data: bytes) -> Act:
    """Return an act that sends these chunks as a response, and another response to a second request."""

    async def act(peer: Peer) -> None:
        await peer.request()
        for piece in data:
            await peer.send(piece)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await echo_bodies(peer)

    return act
