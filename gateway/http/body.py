"""Bodies of a bounded size."""

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from gateway.errors import Refused

BODY_S = 30.0
"""Within so many seconds a body has to be there."""


class TooLarge(Refused):
    """A body is larger than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, "TOO_LARGE", limit=limit)


def limited(receive: Receive, limit: int) -> Receive:
    """The same messages; TooLarge once their bodies are more than ``limit`` bytes together."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge(limit)
        return message

    return counted


async def whole(receive: Receive, limit: int) -> bytes:
    """A body of at most ``limit`` bytes, else TooLarge; ClientDisconnect if its client goes away before it is complete.

    Refused as REQUEST_TIMEOUT if it does not come in time.
    """
    until = 0.0
    message = await receive()
    size, pieces = 0, list[bytes]()
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise TooLarge(limit)
        if not message.get("more_body"):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        until = until or asyncio.get_running_loop().time() + BODY_S
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise Refused(408, "REQUEST_TIMEOUT", {"Connection": "close"}) from None
