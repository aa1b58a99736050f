"""How long the present work may take, with all that is asked of others on its way.

A call to another process leaves it the time that is left, less a little, in the header field ``Kierto-Timeout-Ms``:
whole milliseconds, counted from when it is read, in one to nine digits. Whatever else stands there is ignored: the
field only ever takes time away, so that nobody gains by nonsense.
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
"""What a server is left less than its caller has: its answer that it was too late comes in time."""

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=inf)


class DeadlineExceeded(Exception):
    """The work was not done by its deadline."""


def expires_at() -> float:
    """When the present work has to be done, by ``time.monotonic()``; infinite if it may take as long as it takes."""
    return _deadline.get()


def remaining() -> float | None:
    """Seconds until the deadline of the present work, negative once it is over; None if it has none."""
    end = _deadline.get()
    return None if end == inf else end - time.monotonic()


def begin(seconds: float) -> None:
    """Give all the rest of the present task a deadline; one that is sooner stays."""
    _deadline.set(min(_deadline.get(), time.monotonic() + seconds))


@contextlib.contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Give a block a deadline; one that is sooner stays. None: what there is.

    Nothing ends by itself then: ``enforced`` ends a block, and calls to others end when nothing is left.
    """
    token = _deadline.set(_deadline.get() if seconds is None else min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextlib.asynccontextmanager
async def enforced() -> AsyncIterator[None]:
    """Cancel what is awaited in a block when the deadline comes; DeadlineExceeded then."""
    timeout = asyncio.timeout(remaining())
    try:
        async with timeout:
            yield
    except TimeoutError:
        if timeout.expired():
            raise DeadlineExceeded from None
        raise


def parse_timeout(field: str | None) -> float | None:
    """The seconds that a caller's header field leaves; None if it leaves nothing or has no such form."""
    return int(field) / 1000 if field and _FORMAT.fullmatch(field) else None


@functools.lru_cache(maxsize=64)
def outgoing_timeout_ms(seconds: float) -> int:
    """What the header field says to a server whose answer is awaited for so long."""
    for_the_way = _TRANSIT_ALLOWANCE_S if seconds > 10 * _TRANSIT_ALLOWANCE_S else seconds / 10
    left_ms = int((seconds - for_the_way) * 1000)
    return left_ms if left_ms > 0 else 1
