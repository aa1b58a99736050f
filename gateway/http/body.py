"""Bodies of a bounded size, whole or as they come."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive


class TooLarge(Exception):
    """A body is larger than allowed."""


class StoodStill(Exception):
    """Of a body nothing came for too long."""


def limited(receive: Receive, limit: int) -> Receive:
    """The same messages; TooLarge once their bodies are more than ``limit`` bytes together."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge
        return message

    return counted


async def pieces(receive: Receive, limit: int, pause_s: float) -> AsyncIterator[bytes]:
    """A body as it comes.

    TooLarge beyond ``limit`` bytes, ClientDisconnect when it breaks off, StoodStill when nothing comes for ``pause_s``.
    """
    receive = limited(receive, limit)
    more = True
    while more:
        try:
            async with asyncio.timeout(pause_s):
                message = await receive()
        except TimeoutError:
            raise StoodStill from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if message["body"]:
            yield message["body"]
        more = message["more_body"]
