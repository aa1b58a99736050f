"""What only a look for cycles would free: how often Python looks, and how little there is to be found.

Reference counts free nearly all at once. What they can't free is, as a rule, an exception: its traceback holds the
frames that it went through, and so what these had at hand, a request's body too; and one of them holds the exception.
"""

import gc

MOST_BYTES = 20_000_000
"""What may hang in cycles that nobody has looked for yet, as far as it is noted."""

_noted = 0


def settle() -> None:
    """Leave what was made at the start out of every later look, and look at most once in so many new objects.

    Two batches of events are some two hundred thousand objects and no cycle: with Python's own limits (700, 10, 10) a
    quarter of a worker's time goes into looking through them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 20)


def release(error: BaseException) -> None:
    """Have an exception that was answered let go of the frames it went through, and those that led to it."""
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


def note(size: int) -> None:
    """Take note that so many bytes may hang in cycles now; look for what is young of these once it is too much."""
    global _noted  # noqa: PLW0603 - the garbage is the process's
    _noted += size
    if _noted > MOST_BYTES:
        _noted = 0
        gc.collect(1)
