"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

A = TypeVar("A")


async def until(
    look: Callable[[], Awaitable[A]], holds: Callable[[A], bool] = bool, *, within: float = 120.0, every: float = 0.02
) -> A:
    """Look again and again until what is seen holds; AssertionError with the last sight if it never does.

    ``every``: seconds between two looks, more where a look takes from what is waited for.
    """
    end = time.monotonic() + within
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not so within {within} s: {seen!r}")
        await asyncio.sleep(every)
