"""What the callers of one policy have spent, in this process: asked on every request, and answered at once."""

from collections import deque
from collections.abc import Callable
from math import ceil
from zlib import crc32

from gateway.rate_limit.policy import Policy, RateLimitHeaders, RateLimitStatus
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import Window, chunk_size
from services.chassis.telemetry.metrics import RATE_REFUSALS

MAX_WINDOWS = 100_000
"""Callers of one policy that a process remembers. If there are more, it forgets whom it has known longest."""
_LEASE_RETRY_S = 1
"""When to come back, in seconds, if only the next lease has to arrive."""


class Budget:
    """The callers under one policy. ``ask`` is called with a window that needs a lease; it must not wait.

    A caller's first requests in a window are let in on credit: up to a chunk, or one request that costs more than that.
    Every gateway may have so much let in that the others don't know of yet. So all together let in at most the quota
    and, for each gateway, a chunk (or one dearer request). Whoever spends more than that faster than a lease arrives
    (some 12 ms) is told to come back in a second. Windows of different callers end at different times.
    """

    def __init__(
        self,
        policy: Policy,
        gateways: int,
        clock: SharedClock,
        ask: "Callable[[Budget, Window], None]",
        most_windows: int = MAX_WINDOWS,
    ) -> None:
        self.policy = policy
        self.chunk = chunk_size(policy.quota, gateways)
        """Units that are leased ahead of requests, or let in on credit, at most."""
        self._clock = clock
        self._monotonic = clock.monotonic
        self._request_lease = ask
        self._max_windows = most_windows
        self._headers = RateLimitHeaders.of(policy)
        self._refusals = RATE_REFUSALS.labels(policy.name)
        self._windows: dict[str, Window] = {}
        self._by_start: deque[Window] = deque()

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._windows)

    def spend(self, key: str, cost: int) -> RateLimitStatus:
        """Spend ``cost`` units of the caller that ``key`` names, if there are so many. What is refused costs nothing.

        A cost above the quota is never let in.
        """
        now = self._monotonic()
        window = self._windows.get(key)
        if window is None or now >= window.ends_at:
            window = self._open_window(key, now)
        left = window.balance - cost
        remaining = left + window.free
        if left < 0 and (remaining < 0 or (left < -self.chunk and window.balance < 0)):
            return self._refuse(window, remaining, now)
        window.balance = left
        if left < window.renew_below and not window.is_lease_pending:
            self._request_lease(self, window)
        return RateLimitStatus(remaining, ceil(window.ends_at - now), self._headers)

    def evict(self, now: float, most: int) -> None:
        """Forget the first windows if they have ended or are too many, up to ``most`` of them."""
        begun = self._by_start
        while most and begun and (now >= begun[0].ends_at or len(begun) > self._max_windows):
            most -= 1
            window = begun.popleft()
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
        ahead, length = self._clock.offset, self.policy.window_s
        phase = crc32(key.encode()) / 2**32 * length
        number = int((now + ahead - phase) // length)
        ends = (number + 1) * length + phase - ahead
        window = self._windows.get(key)
        if window is not None and window.number == number:
            # The shared clock went back: it is the same window for longer, and what was spent in it stays spent.
            window.ends_at = ends
            return window
        window = Window(key, number, ends, free=self.policy.quota, renew_below=-(self.chunk // 2))
        self._windows[key] = window
        self._by_start.append(window)
        self.evict(now, most=2)  # as each that comes may take two along, the idle never pile up
        return window
