"""W3C Trace Context (Recommendation of 23 November 2021): one trace id through every service and event.

``traceparent`` is ``00-<32 hex digits: trace id>-<16 hex digits: parent id>-<flags>`` (section 3.2).
"""

import contextlib
import contextvars
import random
import re
from collections.abc import Iterable, Iterator

HEADER = "traceparent"
_FORMAT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: contextvars.ContextVar[str | None] = contextvars.ContextVar("trace_id", default=None)


def trace_id() -> str | None:
    """The trace that the present work belongs to."""
    return _current.get()


def traceparent() -> str:
    """The header for a call or event that the present work makes."""
    return f"00-{_current.get() or _new_id()}-{random.getrandbits(64).to_bytes(8, 'big').hex()}-01"


def ids(parents: Iterable[str]) -> list[str]:
    """The trace ids of several headers, each once: one line of a log for a batch of events of several traces."""
    return list(dict.fromkeys(match.group(1) for parent in parents if (match := _FORMAT.fullmatch(parent))))


@contextlib.contextmanager
def trace(parent: str | None) -> Iterator[str]:
    """Work on behalf of ``parent``; an absent or malformed one begins a new trace, as section 4.3 says."""
    token = _current.set(_trace_of(parent))
    try:
        yield _current.get() or ""
    finally:
        _current.reset(token)


def begin(parent: str | None) -> str:
    """The same for all the rest of the present task, for a server that begins a task for each request."""
    trace_id = _trace_of(parent)
    _current.set(trace_id)
    return trace_id


def _trace_of(parent: str | None) -> str:
    match = _FORMAT.fullmatch(parent) if parent else None
    return match.group(1) if match else _new_id()


def _new_id() -> str:
    """Told apart from all others, but no secret: what the system keeps for secrets takes as long as a small read."""
    return random.getrandbits(128).to_bytes(16, "big").hex()
