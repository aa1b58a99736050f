"""When to stop asking a service that answers nobody, and when to begin again.

None of the libraries would do: the kept ones (purgatory, pybreaker) go through a state object, a lock or a message bus
with each call, which takes longer than all the rest of what a call does here; and none of them knows what is needed to
judge a service that is asked many things at a time: that others were answered meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.chassis import metrics
from services.chassis.logging import logger

_log = logger(__name__)

MOST_FAILURES = 5
"""In a row; then calls are refused at once."""
LOOK_AGAIN_S = 0.25
"""How often it is looked whether the service is back, while calls are refused, and how long a caller waits for that."""


class Breaker:
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
        self.answers = 0
        self._failures = 0
        self._service = service
        self._look = look
        self._opened = opened
        self._now = now
        self._opened_at = self._looked_at = 0.0
        self._looking: set[asyncio.Task[None]] = set()
        self._shown = metrics.BREAKER_OPEN.labels(service)
        self._shown.set(0)

    def answered(self) -> None:
        """The service answered a call."""
        self.answers += 1
        if self._failures:
            self._failures = 0

    def failed(self, answers: int) -> None:
        """A call that began when there were so many ``answers`` had none."""
        if self.open or answers != self.answers:
            return
        self._failures += 1
        if self._failures < MOST_FAILURES:
            return
        self.open = True
        self._opened_at = self._looked_at = self._now()
        self._shown.set(1)
        _log.warning("breaker opened", service=self._service)
        self._opened()

    async def closes(self) -> bool:
        """Whether calls may go on. For most it is no; now and then one has it looked, and waits a moment for that.

        A look that takes longer closes it still: a service that is slow is not kept away for that.
        """
        if self._now() < self._looked_at + LOOK_AGAIN_S:
            return False
        self._looked_at = self._now()
        looking = asyncio.create_task(self._close_if_back())
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)
        await asyncio.wait((looking,), timeout=LOOK_AGAIN_S)
        return not self.open

    async def _close_if_back(self) -> None:
        if await self._look() and self.open:
            self.open = False
            self._failures = MOST_FAILURES - 1  # the next one opens it again
            self._shown.set(0)
            _log.info("breaker closed", service=self._service, seconds=round(self._now() - self._opened_at, 3))
