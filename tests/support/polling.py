"""Polling for a condition."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

A = TypeVar("A")


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return as soon as the condition holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.01)


async def until(
    poll: Callable[[], Awaitable[A]], holds: Callable[[A], bool] = bool, *, within: float = 120.0, every: float = 0.02
) -> A:
    """Poll until the value holds and return it; raise AssertionError with the last value after ``within`` seconds.

    ``every``: seconds between two polls, more where a poll slows down the process that is waited for.
    """
    deadline = time.monotonic() + within
    while True:
        value = await poll()
        if holds(value):
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {within} s: {value!r}")
        await asyncio.sleep(every)
