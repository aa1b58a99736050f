"""The body of a request, in chunks."""

from collections.abc import AsyncIterator


async def iterate_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    """Iterate over these chunks."""
    for chunk in chunks:
        yield chunk
