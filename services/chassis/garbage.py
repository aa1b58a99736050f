"""How often Python looks for cycles of garbage: seldom, in a process that makes and drops objects by the thousand."""

import gc


def settle() -> None:
    """Leave what was made at the start out of every later look, and look at most once in so many new objects.

    Two batches of events are some two hundred thousand objects and no cycle: with Python's own limits (700, 10, 10) a
    quarter of a worker's time goes into looking through them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 20)
