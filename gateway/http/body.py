"""Request bodies of a limited size, read whole or streamed."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from gateway.errors import RequestError

BODY_TIMEOUT_S = 30.0
"""Timeout of a body that is read whole."""


class TooLarge(RequestError):
    """A body exceeds its limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, "TOO_LARGE", limit=limit)


class BodyTimeout(Exception):
    """No piece of a body arrived within the idle timeout."""


async def stream_body(receive: Receive, limit: int, idle_timeout_s: float) -> AsyncIterator[bytes]:
    """Yield a body's pieces as they arrive.

    Raises TooLarge beyond ``limit`` bytes, ClientDisconnect if the body is incomplete, and BodyTimeout.
    """
    size, more = 0, True
    while more:
        try:
            async with asyncio.timeout(idle_timeout_s):
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
    """Return a body of at most ``limit`` bytes.

    Raises TooLarge, ClientDisconnect if the body is incomplete, and RequestError (REQUEST_TIMEOUT).
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
