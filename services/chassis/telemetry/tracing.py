"""W3C Trace Context (Recommendation of 23 November 2021): one trace id through every service and event.

``traceparent`` is ``00-<32 hex digits: trace id>-<16 hex digits: parent id>-<flags>`` (section 3.2). The parent id is
that of the present work: all its calls and events carry the same one.
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
"""The header of the calls and events of the present work."""


def trace_id() -> str | None:
    """Return the trace id of the present work; None outside of a trace."""
    current = _current.get()
    return None if current is None else current[_TRACE_ID]


def traceparent() -> str:
    """Return the header for a call or event of the present work."""
    return _current.get() or _child_traceparent(None)


def trace_ids(parents: Iterable[str]) -> list[str]:
    """Return the distinct trace ids of several headers, for one log line about a batch of events."""
    return list(dict.fromkeys(match.group(1) for parent in parents if (match := _FORMAT.fullmatch(parent))))


@contextlib.contextmanager
def trace(parent: str | None) -> Iterator[str]:
    """Run a block as a child of ``parent``; an absent or malformed one begins a new trace (section 4.3)."""
    work = _child_traceparent(parent)
    token = _current.set(work)
    try:
        yield work[_TRACE_ID]
    finally:
        _current.reset(token)


def begin(parent: str | None) -> str:
    """Run the rest of the present task as a child of ``parent``; return its trace id."""
    work = _child_traceparent(parent)
    _current.set(work)
    return work[_TRACE_ID]


def _child_traceparent(parent: str | None) -> str:
    """Return a header with a new parent id in the trace of ``parent``.

    Ids are unique, not secret: the system's generator for secrets takes as long as a small read.
    """
    match = _FORMAT.fullmatch(parent) if parent else None
    trace = match.group(1) if match else f"{random.getrandbits(128):032x}"
    return f"00-{trace}-{random.getrandbits(64):016x}-01"
