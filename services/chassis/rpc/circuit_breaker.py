"""Circuit breaker of a service.

The maintained libraries (purgatory, pybreaker) take a state object, a lock or a message bus with each call, longer than
the rest of a call takes here. And none of them considers concurrent calls: a failure counts only if no other call
succeeded meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

FAILURE_THRESHOLD = 5
"""Consecutive failures that open the breaker."""
PROBE_INTERVAL_S = 0.25
"""Time between two probes while the breaker is open, and the time that a caller waits for one."""


class CircuitBreaker:
    """A circuit breaker with consecutive failures and probes.

    A caller notes ``successes`` before a call, and records a success, or a failure with that number: it counts only if
    no other call has succeeded since. While the breaker is ``open``, calls are rejected unless ``try_close`` returns
    true. ``probe`` returns whether the service is usable; ``on_open`` is called when the breaker opens.
    """

    def __init__(
        self,
        service: str,
        probe: Callable[[], Awaitable[bool]],
        on_open: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.open = False
        self.successes = 0
        self._failures = 0
        self._service = service
        self._probe = probe
        self._on_open = on_open
        self._now = now
        self._opened_at = self._probed_at = 0.0
        self._probes: set[asyncio.Task[None]] = set()
        self._gauge = metrics.CIRCUIT_BREAKER_OPEN.labels(service)
        self._gauge.set(0)

    def record_success(self) -> None:
        """Record that a call had a response."""
        self.successes += 1
        if self._failures:
            self._failures = 0

    def record_failure(self, successes: int) -> None:
        """Record that a call had no response; ``successes`` is their number at its start."""
        if self.open or successes != self.successes:
            return
        self._failures += 1
        if self._failures < FAILURE_THRESHOLD:
            return
        self.open = True
        self._opened_at = self._probed_at = self._now()
        self._gauge.set(1)
        _log.warning("circuit breaker opened", service=self._service)
        self._on_open()

    async def try_close(self) -> bool:
        """Return whether the call may proceed: one in each interval starts a probe and waits for it.

        A probe that takes longer than the interval still closes the breaker, so that a slow service comes back.
        """
        if self._now() < self._probed_at + PROBE_INTERVAL_S:
            return False
        self._probed_at = self._now()
        probe = asyncio.create_task(self._close_if_healthy())
        self._probes.add(probe)
        probe.add_done_callback(self._probes.discard)
        await asyncio.wait((probe,), timeout=PROBE_INTERVAL_S)
        return not self.open

    async def _close_if_healthy(self) -> None:
        if await self._probe() and self.open:
            self.open = False
            self._failures = FAILURE_THRESHOLD - 1  # the next failure opens it again
            self._gauge.set(0)
            _log.info("circuit breaker closed", service=self._service, seconds=round(self._now() - self._opened_at, 3))
