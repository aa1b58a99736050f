"""The clock by which all gateways start windows: Redis's, extrapolated with the process's monotonic clock."""

import time
from collections.abc import Callable


class SharedClock:
    """A clock synchronized with Redis; until its first response, with the machine's clock.

    It does not follow ``kierto clock``, which moves the business date.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self.offset = time.time() - monotonic()
        """Seconds from the monotonic clock to the shared one, which counts from 1970."""

    def synchronize(self, sent_at: float, received_at: float, server_time: float) -> None:
        """Synchronize with the time in a response of Redis, of which both ends were measured on the monotonic clock.

        An offset that is possible is kept, so that slow responses do not shift the ends of windows.
        """
        if not server_time - received_at <= self.offset <= server_time - sent_at:
            self.offset = server_time - (sent_at + received_at) / 2
