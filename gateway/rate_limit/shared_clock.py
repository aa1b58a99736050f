"""The clock that all gateways go by when a window begins: Redis's, read on each process's own steady clock."""

import time
from collections.abc import Callable


class SharedClock:
    """``ahead`` seconds are between the process's clock and the shared one (seconds since 1970).

    Until Redis was first heard it is the machine's clock. Neither is the operator's day, which may be moved.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = steady
        self.offset = time.time() - steady()

    def synchronize(self, asked: float, answered: float, said: float) -> None:
        """Take in what Redis's clock said between two moments of our own.

        Nothing changes where that fits, so that a slow answer does not move the ends of windows to and fro.
        """
        if not said - answered <= self.offset <= said - asked:
            self.offset = said - (asked + answered) / 2
