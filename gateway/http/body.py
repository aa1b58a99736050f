"""Bodies of a bounded size."""

from starlette.types import Message, Receive


class TooLarge(Exception):
    """A body is larger than allowed."""


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
