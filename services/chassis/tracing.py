"""W3C Trace Context (Recommendation of 23 November 2021): one trace id through every service and event.

``traceparent`` is ``00-<32 hex digits: trace id>-<16 hex digits: parent id>-<flags>`` (section 3.2).
"""

import contextlib
import contextvars
import re
import secrets
from collections.abc import Iterable, Iterator

HEADER = "traceparent"
_FORMAT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: contextvars.ContextVar[str | None] = contextvars.ContextVar("trace_id", default=None)


def trace_id() -> str | None:
    """The trace that the present work belongs to."""
    return _current.get()


def traceparent() -> str:
    """The header for a call or event that the present work makes."""
    return f"00-{_current.get() or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def ids(parents: Iterable[str]) -> list[str]:
    """The trace ids of several headers, each once: one line of a log for a batch of events of several traces."""
    return list(dict.fromkeys(match.group(1) for parent in parents if (match := _FORMAT.fullmatch(parent))))


@contextlib.contextmanager
def trace(parent: str | None) -> Iterator[str]:
    """Work on behalf of ``parent``; an absent or malformed one begins a new trace, as section 4.3 says."""
    match = _FORMAT.fullmatch(parent or "")
    token = _current.set(match.group(1) if match else secrets.token_hex(16))
    try:
        yield _current.get() or ""
    finally:
        _current.reset(token)
