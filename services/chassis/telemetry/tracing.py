"""W3C Trace Context (Recommendation of 23 November 2021): one trace id through every service and event.

``traceparent`` is ``00-<32 hex digits: trace id>-<16 hex digits: parent id>-<flags>`` (section 3.2). The parent id is
that of the work at hand: all that it calls, and all events that it makes, are told the same one.
"""

import contextlib
import contextvars
import random
import re
from collections.abc import Iterable, Iterator

HEADER = "traceparent"
_FORMAT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_ID = slice(3, 35)
_current: contextvars.ContextVar[str | None] = contextvars.ContextVar("traceparent", default=None)
"""What the work at hand tells those that it leads to."""


def trace_id() -> str | None:
    """The trace that the present work belongs to."""
    current = _current.get()
    return None if current is None else current[_TRACE_ID]


def traceparent() -> str:
    """The header for a call or event that the present work makes."""
    return _current.get() or _child_traceparent(None)


def trace_ids(parents: Iterable[str]) -> list[str]:
    """The trace ids of several headers, each once: one line of a log for a batch of events of several traces."""
    return list(dict.fromkeys(match.group(1) for parent in parents if (match := _FORMAT.fullmatch(parent))))


@contextlib.contextmanager
def trace(parent: str | None) -> Iterator[str]:
    """Work on behalf of ``parent``; an absent or malformed one begins a new trace, as section 4.3 says."""
    work = _child_traceparent(parent)
    token = _current.set(work)
    try:
        yield work[_TRACE_ID]
    finally:
        _current.reset(token)


def begin(parent: str | None) -> str:
    """The same for all the rest of the present task, for a server that begins a task for each request."""
    work = _child_traceparent(parent)
    _current.set(work)
    return work[_TRACE_ID]


def _child_traceparent(parent: str | None) -> str:
    """The header of a piece of work, which has an id of its own in the trace of its parent.

    Ids are told apart from all others, but are no secret: what the system keeps for secrets takes as long as a small
    read.
    """
    match = _FORMAT.fullmatch(parent) if parent else None
    trace = match.group(1) if match else f"{random.getrandbits(128):032x}"
    return f"00-{trace}-{random.getrandbits(64):016x}-01"
