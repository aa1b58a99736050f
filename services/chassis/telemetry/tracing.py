"""W3C Trace Context (Recommendation of 23 November 2021): one trace id through every service and event.

``traceparent`` is ``00-<32 hex digits: trace id>-<16 hex digits: parent id>-<flags>`` (section 3.2). The parent id is
that of the present work: all its calls and events carry the same one. The flag ``sampled`` is passed on as it came; the
process that begins a trace decides it.
"""

import contextlib
import contextvars
import random
import re
from collections.abc import Iterable, Iterator

HEADER = "traceparent"
_FORMAT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]([0-9a-f])")
_TRACE_ID = slice(3, 35)
_PARENT_ID = slice(36, 52)
_SAMPLED_DIGITS = "13579bdf"
"""Last digits of flags with the lowest bit set: ``sampled`` (section 3.2.2.5.1)."""
_RATIO_BITS = 64
"""Bits at the end of a trace id that decide, as in OpenTelemetry's TraceIdRatioBased."""
_current: contextvars.ContextVar[str | None] = contextvars.ContextVar("traceparent", default=None)
"""The header of the calls and events of the present work."""


class _Sampling:
    """State of ``sample_new_traces``."""

    bound = 0
    """New traces are sampled if the last 64 bits of their id are less."""


def sample_new_traces(ratio: float) -> None:
    """Sample this part of the traces that begin in this process, by their id; none until this is called."""
    _Sampling.bound = round(ratio * (1 << _RATIO_BITS))


def current() -> str | None:
    """Return the header of the present work; None outside of a trace."""
    return _current.get()


def trace_id() -> str | None:
    """Return the trace id of the present work; None outside of a trace."""
    header = _current.get()
    return None if header is None else header[_TRACE_ID]


def ids(header: str) -> tuple[int, int]:
    """Return the trace id and the parent id of a valid header as numbers."""
    return int(header[_TRACE_ID], 16), int(header[_PARENT_ID], 16)


def is_valid(header: str | None) -> bool:
    """Return whether a header is well-formed: work with such a parent belongs to its trace."""
    return bool(header and _FORMAT.fullmatch(header))


def is_sampled(header: str | None) -> bool:
    """Return whether a header is valid and has the flag ``sampled``."""
    match = _FORMAT.fullmatch(header) if header else None
    return match is not None and match.group(2) in _SAMPLED_DIGITS


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
    if match:
        trace, sampled = match.group(1), match.group(2) in _SAMPLED_DIGITS
    else:
        number = random.getrandbits(128)
        trace, sampled = f"{number:032x}", number % (1 << _RATIO_BITS) < _Sampling.bound
    return f"00-{trace}-{random.getrandbits(64):016x}-{'01' if sampled else '00'}"
