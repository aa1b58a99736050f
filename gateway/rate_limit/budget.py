"""The budget of a policy's callers in one gateway process, checked on each request without I/O."""

from collections import deque
from collections.abc import Callable
from math import ceil
from zlib import crc32

from gateway.rate_limit.policy import Policy, RateLimitHeaders, RateLimitStatus
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import Window, chunk_size
from services.chassis.telemetry.metrics import RATE_REFUSALS

MAX_WINDOWS = 100_000
"""Windows of one policy that a process keeps; the oldest are evicted first."""
_LEASE_RETRY_S = 1
"""``Retry-After`` of a caller whose next lease has not arrived yet."""


class Budget:
    """The budget of a policy's callers, each with its own window.

    A caller's first requests in a window are admitted on credit: up to a chunk, or one request that costs more. Other
    gateways don't know of a gateway's credit yet, so all gateways together admit at most the quota and, for each
    gateway, a chunk (or one request that costs more). A caller who exhausts the credit before a lease arrives (some
    12 ms) has to retry after a second. Windows of different callers end at different times, to spread the load.
    """

    def __init__(
        self,
        policy: Policy,
        gateways: int,
        clock: SharedClock,
        request_lease: "Callable[[Budget, Window], None]",
        max_windows: int = MAX_WINDOWS,
    ) -> None:
        """``request_lease`` is called with a window that needs a lease, and must return at once."""
        self.policy = policy
        self.chunk = chunk_size(policy.quota, gateways)
        """Units that are leased in advance, or admitted on credit, at most."""
        self._clock = clock
        self._monotonic = clock.monotonic
        self._request_lease = request_lease
        self._max_windows = max_windows
        self._headers = RateLimitHeaders.of(policy)
        self._refusals = RATE_REFUSALS.labels(policy.name)
        self._windows: dict[str, Window] = {}
        self._by_start: deque[Window] = deque()

    def __len__(self) -> int:
        """Return the number of windows kept."""
        return len(self._windows)

    def spend(self, key: str, cost: int) -> RateLimitStatus:
        """Charge ``cost`` units to the caller with this key, or refuse them at no cost.

        A cost above the quota is always refused.
        """
        now = self._monotonic()
        window = self._windows.get(key)
        if window is None or now >= window.ends_at:
            window = self._open_window(key, now)
        balance = window.balance - cost
        remaining = balance + window.free
        if balance < 0 and (remaining < 0 or (balance < -self.chunk and window.balance < 0)):
            return self._refuse(window, remaining, now)
        window.balance = balance
        if balance < window.renew_below and not window.is_lease_pending:
            self._request_lease(self, window)
        return RateLimitStatus(remaining, ceil(window.ends_at - now), self._headers)

    def evict(self, now: float, limit: int) -> None:
        """Evict up to ``limit`` of the oldest windows if they have ended or there are too many."""
        by_start = self._by_start
        while limit and by_start and (now >= by_start[0].ends_at or len(by_start) > self._max_windows):
            limit -= 1
            window = by_start.popleft()
            if self._windows.get(window.key) is window:
                del self._windows[window.key]

    def _refuse(self, window: Window, remaining: int, now: float) -> RateLimitStatus:
        self._refusals.inc()
        if window.balance < window.renew_below and not window.is_lease_pending:
            self._request_lease(self, window)
        if remaining >= 0:
            return RateLimitStatus(0, _LEASE_RETRY_S, self._headers, _LEASE_RETRY_S)
        ends_in = ceil(window.ends_at - now)
        return RateLimitStatus(max(0, window.balance + window.free), ends_in, self._headers, ends_in)

    def _open_window(self, key: str, now: float) -> Window:
        offset, length = self._clock.offset, self.policy.window_s
        phase = crc32(key.encode()) / 2**32 * length
        number = int((now + offset - phase) // length)
        ends_at = (number + 1) * length + phase - offset
        window = self._windows.get(key)
        if window is not None and window.number == number:
            # The shared clock was set back: the window lasts longer and keeps its balance.
            window.ends_at = ends_at
            return window
        window = Window(key, number, ends_at, free=self.policy.quota, renew_below=-(self.chunk // 2))
        self._windows[key] = window
        self._by_start.append(window)
        self.evict(now, limit=2)  # two for each new one, so that ended windows can't accumulate
        return window
