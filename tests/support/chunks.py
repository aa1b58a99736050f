"""A file as a body brings it: in pieces."""

from collections.abc import AsyncIterator


async def iterate_chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    """These bytes as they come."""
    for piece in pieces:
        yield piece
