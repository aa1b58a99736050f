"""What the callers of one policy have spent, in this process: asked on every request, and answered at once."""

from collections import deque
from collections.abc import Callable
from math import ceil
from zlib import crc32

from gateway.rate.policy import Policy, Spent, Told
from gateway.rate.shared_clock import SharedClock
from gateway.rate.window import Window, chunk_of
from services.chassis.metrics import RATE_REFUSALS

MOST_WINDOWS = 100_000
"""Callers of one policy that a process remembers. If there are more, it forgets whom it has known longest."""
_SETTLED_S = 1
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
        most_windows: int = MOST_WINDOWS,
    ) -> None:
        self.policy = policy
        self.chunk = chunk_of(policy.quota, gateways)
        """Units that are leased ahead of requests, or let in on credit, at most."""
        self._clock = clock
        self._steady = clock.steady
        self._ask = ask
        self._most_windows = most_windows
        self._told = Told.of(policy)
        self._refusals = RATE_REFUSALS.labels(policy.name)
        self._windows: dict[str, Window] = {}
        self._begun: deque[Window] = deque()

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._windows)

    def spend(self, key: str, cost: int) -> Spent:
        """Spend ``cost`` units of the caller that ``key`` names, if there are so many. What is refused costs nothing.

        A cost above the quota is never let in.
        """
        now = self._steady()
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            window = self._begin(key, now)
        left = window.left - cost
        remaining = left + window.free
        if left < 0 and (remaining < 0 or (left < -self.chunk and window.left < 0)):
            return self._refuse(window, remaining, now)
        window.left = left
        if left < window.low and not window.is_asking:
            self._ask(self, window)
        return Spent(remaining, ceil(window.ends - now), self._told)

    def forget(self, now: float, most: int) -> None:
        """Forget the first windows if they have ended or are too many, up to ``most`` of them."""
        begun = self._begun
        while most and begun and (now >= begun[0].ends or len(begun) > self._most_windows):
            most -= 1
            window = begun.popleft()
            if self._windows.get(window.key) is window:
                del self._windows[window.key]

    def _refuse(self, window: Window, remaining: int, now: float) -> Spent:
        self._refusals.inc()
        if window.left < window.low and not window.is_asking:
            self._ask(self, window)
        if remaining >= 0:
            return Spent(0, _SETTLED_S, self._told, _SETTLED_S)
        ends_in = ceil(window.ends - now)
        return Spent(max(0, window.left + window.free), ends_in, self._told, ends_in)

    def _begin(self, key: str, now: float) -> Window:
        ahead, length = self._clock.ahead, self.policy.window_s
        phase = crc32(key.encode()) / 2**32 * length
        number = int((now + ahead - phase) // length)
        ends = (number + 1) * length + phase - ahead
        window = self._windows.get(key)
        if window is not None and window.number == number:
            # The shared clock went back: it is the same window for longer, and what was spent in it stays spent.
            window.ends = ends
            return window
        window = Window(key, number, ends, free=self.policy.quota, low=-(self.chunk // 2))
        self._windows[key] = window
        self._begun.append(window)
        self.forget(now, most=2)  # as each that comes may take two along, the idle never pile up
        return window
