"""Contents of uploads as streams."""

from collections.abc import AsyncIterator


async def stream(content: bytes, step: int = 700) -> AsyncIterator[bytes]:
    """Yield a content in chunks."""
    for start in range(0, len(content), step):
        yield content[start : start + step]


async def endless(chunk: bytes, sent: list[int]) -> AsyncIterator[bytes]:
    """Yield a chunk for ever, and note the length of each."""
    while True:
        sent.append(len(chunk))
        yield chunk


async def lines(count: int) -> AsyncIterator[bytes]:
    """Yield so many chunks of text of 64 KiB."""
    for _ in range(count):
        yield b"1234567890abcde\n" * 4096
