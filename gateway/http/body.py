"""Bodies of a bounded size, whole or as they come."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from gateway.errors import RequestError

BODY_TIMEOUT_S = 30.0
"""Within so many seconds a body that is read whole has to be there."""


class TooLarge(RequestError):
    """A body is larger than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, "TOO_LARGE", limit=limit)


class BodyTimeout(Exception):
    """Of a body nothing came for too long."""


async def stream_body(receive: Receive, limit: int, pause_s: float) -> AsyncIterator[bytes]:
    """A body as it comes.

    TooLarge beyond ``limit`` bytes, ClientDisconnect when it breaks off, StoodStill when nothing comes for ``pause_s``.
    """
    size, more = 0, True
    while more:
        try:
            async with asyncio.timeout(pause_s):
                message = await receive()
        except TimeoutError:
            raise BodyTimeout from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise TooLarge(limit)
        if piece:
            yield piece
        more = message.get("more_body", False)


async def read_body(receive: Receive, limit: int) -> bytes:
    """A body of at most ``limit`` bytes, else TooLarge; ClientDisconnect if its client goes away before it is complete.

    Refused as REQUEST_TIMEOUT if it does not come in time.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise TooLarge(limit)
        return body
    first = iter([message])

    async def again() -> Message:
        return next(first, None) or await receive()

    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return b"".join([piece async for piece in stream_body(again, limit, BODY_TIMEOUT_S)])
    except (TimeoutError, BodyTimeout):
        raise RequestError(408, "REQUEST_TIMEOUT", {"Connection": "close"}) from None
