"""Cycles of garbage: Python looks for them seldom, so little may be left in them.

Reference counts free nearly everything at once. A cycle is, as a rule, an exception: its traceback holds the frames it
went through, and so all that these had at hand, a request's body too; and one of them holds the exception.
"""

import gc

COLLECT_AFTER_BYTES = 20_000_000
"""So many noted bytes may hang in cycles before these are looked for."""

_uncollected_bytes = 0


def tune_gc() -> None:
    """Leave what was made at the start out of every later look, and look at most once in so many new objects.

    Two batches of events are some two hundred thousand objects and no cycle: with Python's own limits (700, 10, 10) a
    quarter of a worker's time goes into looking through them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 20)


def clear_tracebacks(error: BaseException) -> None:
    """Remove the tracebacks of an exception that was answered, and of those that led to it."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__, getattr(one, "original_error", None)]
            for name in ("errors", "exceptions"):
                several = getattr(one, name, None)
                waiting += several if isinstance(several, list | tuple) else ()


def count_garbage(size: int) -> None:
    """Count bytes that may hang in cycles from now on; look for young cycles once it is too much."""
    global _uncollected_bytes  # noqa: PLW0603 - the garbage is the process's
    _uncollected_bytes += size
    if _uncollected_bytes > COLLECT_AFTER_BYTES:
        _uncollected_bytes = 0
        gc.collect(1)
