"""When to stop asking a service that answers nobody, and when to begin again.

None of the libraries would do: the kept ones (purgatory, pybreaker) go through a state object, a lock or a message bus
with each call, which takes longer than all the rest of what a call does here; and none of them knows what is needed to
judge a service that is asked many things at a time: that others were answered meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

FAILURE_THRESHOLD = 5
"""In a row; then calls are refused at once."""
PROBE_INTERVAL_S = 0.25
"""How often it is looked whether the service is back, while calls are refused, and how long a caller waits for that."""


class CircuitBreaker:
    """Whether a service may be called.

    A caller remembers ``answers`` when it begins, and says ``failed`` with it where no answer came: only if nobody was
    answered since is that the service's failure. Who is answered says ``answered``. While it is ``open``, calls are to
    be refused unless ``closes`` lets them through. ``look`` says whether the service can be used; ``opened`` is called
    when it can't be any more.
    """

    def __init__(
        self,
        service: str,
        look: Callable[[], Awaitable[bool]],
        opened: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.open = False
        self.successes = 0
        self._failures = 0
        self._service = service
        self._probe = look
        self._on_open = opened
        self._now = now
        self._opened_at = self._probed_at = 0.0
        self._probes: set[asyncio.Task[None]] = set()
        self._gauge = metrics.CIRCUIT_BREAKER_OPEN.labels(service)
        self._gauge.set(0)

    def record_success(self) -> None:
        """The service answered a call."""
        self.successes += 1
        if self._failures:
            self._failures = 0

    def record_failure(self, answers: int) -> None:
        """A call that began when there were so many ``answers`` had none."""
        if self.open or answers != self.successes:
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
        """Whether calls may go on. For most it is no; now and then one has it looked, and waits a moment for that.

        A look that takes longer closes it still: a service that is slow is not kept away for that.
        """
        if self._now() < self._probed_at + PROBE_INTERVAL_S:
            return False
        self._probed_at = self._now()
        looking = asyncio.create_task(self._close_if_healthy())
        self._probes.add(looking)
        looking.add_done_callback(self._probes.discard)
        await asyncio.wait((looking,), timeout=PROBE_INTERVAL_S)
        return not self.open

    async def _close_if_healthy(self) -> None:
        if await self._probe() and self.open:
            self.open = False
            self._failures = FAILURE_THRESHOLD - 1  # the next one opens it again
            self._gauge.set(0)
            _log.info("circuit breaker closed", service=self._service, seconds=round(self._now() - self._opened_at, 3))
