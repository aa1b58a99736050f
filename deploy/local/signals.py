"""Waits that a signal ends, and counting of signals to stop, without threads."""

import os
import select
import signal
import time
from types import FrameType, TracebackType
from typing import Self

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Signal handlers while entered: SIGINT, SIGTERM and SIGHUP are counted, and the end of a child ends a wait.

    Not entered, as in a test's process, it changes no handlers and only sleeps.
    """

    def __init__(self) -> None:
        self.asked_to_stop = 0
        self._pipe: tuple[int, int] | None = None
        self._before: list[tuple[signal.Signals, object]] = []

    def __enter__(self) -> Self:
        self._pipe = os.pipe()
        for end in self._pipe:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        for sig in _STOP:
            if sig == signal.SIGHUP and signal.getsignal(sig) == signal.SIG_IGN:
                continue  # started with nohup
            self._before.append((sig, signal.signal(sig, self._count)))
        self._before.append((signal.SIGCHLD, signal.signal(signal.SIGCHLD, lambda *_: None)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        for sig, handler in self._before:
            signal.signal(sig, handler)  # type: ignore[arg-type]
        for end in self._pipe or ():
            os.close(end)
        self._pipe = None

    def wait(self, seconds: float) -> None:
        """Sleep until the time is over or a signal arrives."""
        if self._pipe is None:
            time.sleep(seconds)
            return
        readable, _, _ = select.select([self._pipe[0]], [], [], seconds)
        if readable:
            os.read(self._pipe[0], 4096)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop += 1
