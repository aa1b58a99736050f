"""Rare garbage collection, and few reference cycles left to it.

Reference counts free nearly everything at once. Most reference cycles are exceptions: a traceback holds its frames, and
with them all their locals, a request's body for instance; and one of the frames holds the exception.
"""

import gc

COLLECT_AFTER_BYTES = 20_000_000
"""Counted bytes of garbage after which the young generations are collected."""

_uncollected_bytes = 0


def tune_gc() -> None:
    """Freeze the objects that exist at the start, and raise the collector's thresholds.

    Two batches of events are some two hundred thousand objects and no cycle: with Python's own thresholds (700, 10, 10)
    a worker spends a quarter of its time in collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 20)


def clear_tracebacks(error: BaseException) -> None:
    """Remove the tracebacks of a handled exception, and of its causes and contexts."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        exception = waiting.pop()
        if isinstance(exception, BaseException) and id(exception) not in seen:
            seen.add(id(exception))
            exception.__traceback__ = None
            waiting += [exception.__cause__, exception.__context__, getattr(exception, "original_error", None)]
            for name in ("errors", "exceptions"):
                nested = getattr(exception, name, None)
                waiting += nested if isinstance(nested, list | tuple) else ()


def count_garbage(size: int) -> None:
    """Count bytes that may be in cycles from now on; collect the young generations once they are too many."""
    global _uncollected_bytes  # noqa: PLW0603 - garbage belongs to the process
    _uncollected_bytes += size
    if _uncollected_bytes > COLLECT_AFTER_BYTES:
        _uncollected_bytes = 0
        gc.collect(1)
