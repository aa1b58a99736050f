"""Deadline of the present work, calls of other services included.

A call to another process states the remaining time, less an allowance for the transit, in the header field
``Kierto-Timeout-Ms``: whole milliseconds from its receipt, in one to nine digits. Any other value is ignored. The field
can only shorten the time, so a malformed value gains its sender nothing.
"""

import asyncio
import contextlib
import contextvars
import functools
import re
import time
from collections.abc import AsyncIterator, Iterator
from math import inf

HEADER = "Kierto-Timeout-Ms"

_FORMAT = re.compile(r"[0-9]{1,9}")
_TRANSIT_ALLOWANCE_S = 0.05
"""Difference between the caller's deadline and the server's, so that the server's 504 arrives in time."""

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=inf)


class DeadlineExceeded(Exception):
    """The work was not done by its deadline."""


def expires_at() -> float:
    """Return the deadline of the present work, by ``time.monotonic()``; infinite if it has none."""
    return _deadline.get()


def remaining() -> float | None:
    """Return the seconds until the deadline of the present work, negative after it; None if there is none."""
    end = _deadline.get()
    return None if end == inf else end - time.monotonic()


def begin(seconds: float) -> None:
    """Set a deadline for the rest of the present task; an earlier one stays."""
    _deadline.set(min(_deadline.get(), time.monotonic() + seconds))


@contextlib.contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Set a deadline for a block; an earlier one stays. None changes nothing.

    The deadline alone cancels nothing: ``enforced`` ends a block, and outgoing calls end when no time remains.
    """
    token = _deadline.set(_deadline.get() if seconds is None else min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextlib.asynccontextmanager
async def enforced() -> AsyncIterator[None]:
    """Cancel a block at the deadline and raise DeadlineExceeded."""
    timeout = asyncio.timeout(remaining())
    try:
        async with timeout:
            yield
    except TimeoutError:
        if timeout.expired():
            raise DeadlineExceeded from None
        raise


def parse_timeout(field: str | None) -> float | None:
    """Return the seconds in a caller's header field; None if it is absent, empty or malformed."""
    return int(field) / 1000 if field and _FORMAT.fullmatch(field) else None


@functools.lru_cache(maxsize=64)
def outgoing_timeout_ms(seconds: float) -> int:
    """Return the header field's value for a call whose response is awaited for ``seconds``."""
    allowance_s = _TRANSIT_ALLOWANCE_S if seconds > 10 * _TRANSIT_ALLOWANCE_S else seconds / 10
    return max(1, int((seconds - allowance_s) * 1000))
