"""Supervisor of processes: it starts, watches, restarts and stops them in order. One thread; children by fork."""

import json
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local.errors import StackError
from deploy.local.files import tail, write_atomically
from deploy.local.processes import ChildProcess
from deploy.local.signals import Signals

_MAX_FAILED_STARTS = 3
"""Number of failed starts, before a part was ever ready, after which it is given up."""
_STABLE_AFTER_S = 30.0
"""Seconds of running after which the count of failures starts from 1 again."""
_MAX_BACKOFF_S = 5.0


class Component(Protocol):
    """Part that a supervisor keeps running."""

    @property
    def name(self) -> str: ...
    @property
    def log(self) -> Path: ...
    @property
    def stop_signal(self) -> signal.Signals: ...
    @property
    def last_signal(self) -> signal.Signals:
        """Signal for a part that did not stop in time."""

    def start(self) -> ChildProcess: ...
    def is_ready(self, pid: int, /) -> bool: ...


class StartInterrupted(Exception):
    """Signal to stop while the stack was starting."""


@dataclass
class _Supervised:
    component: Component
    running: ChildProcess
    since: float
    failures: int = 0
    restart_at: float | None = None
    """Time of the next start; None while it runs."""
    was_ready: bool = False


class Supervisor:
    """Supervisor of groups of parts, which are stopped in the opposite order of their start."""

    def __init__(
        self, say: Callable[[str], None], process_table: Path, signals: Signals, stop_timeout: float = 10
    ) -> None:
        """`stop_timeout`: seconds that a group has to stop before it is killed."""
        self._say = say
        self._table = process_table
        self._signals = signals
        self._stop_timeout = stop_timeout
        self._groups: list[list[_Supervised]] = []

    def start(self, *parts: Component) -> None:
        """Start a group, all at once, without waiting for it."""
        group: list[_Supervised] = []
        self._groups.append(group)
        for part in parts:
            group.append(_Supervised(part, part.start(), time.monotonic()))  # noqa: PERF401 - what started is known at once
        self._write_table()

    def restart_failed(self) -> None:
        """Reap failed parts, and restart those whose back-off is over."""
        changed = False
        now = time.monotonic()
        for part in self._all():
            if part.restart_at is None and (code := part.running.poll()) is not None:
                part.failures = 1 if now - part.since > _STABLE_AFTER_S else part.failures + 1
                pause = min(_MAX_BACKOFF_S, 0.1 * 2 ** (part.failures - 1))
                part.restart_at = now + pause
                self._say(
                    f"{part.component.name} {describe_exit(code)}; it is started again in {pause:.1f} s. "
                    f"Log: {part.component.log}"
                )
                changed = True
            elif part.restart_at is not None and part.restart_at <= now:
                part.running, part.since, part.restart_at = part.component.start(), now, None
                changed = True
        if changed:
            self._write_table()

    def await_ready(self, seconds: float, *names: str) -> None:
        """Wait until the named parts (none named: all) are ready.

        Raises StackError with the ends of their logs if some are not, StartInterrupted on a signal.
        """
        waiting = [part for part in self._all() if not names or part.component.name in names]
        deadline = time.monotonic() + seconds
        while True:
            self.restart_failed()
            for part in waiting:
                part.was_ready = part.was_ready or (
                    part.restart_at is None and part.component.is_ready(part.running.pid)
                )
            waiting = [part for part in waiting if not part.was_ready]
            if not waiting:
                return
            if failed := [part for part in waiting if part.failures >= _MAX_FAILED_STARTS]:
                raise StackError(_with_logs("These fell again and again:", failed))
            if time.monotonic() > deadline:
                raise StackError(_with_logs(f"These were not ready after {seconds:.0f} s:", waiting))
            if self._signals.asked_to_stop:
                raise StartInterrupted
            self._signals.wait(0.05)

    def watch(self) -> None:
        """Restart failed parts until a signal to stop."""
        while not self._signals.asked_to_stop:
            self.restart_failed()
            due = [part.restart_at for part in self._all() if part.restart_at is not None]
            self._signals.wait(max(0.01, min(due) - time.monotonic()) if due else 60)

    def stop(self) -> None:
        """Stop group after group, the last one first. One more signal to stop ends the wait for a group."""
        while self._groups:
            self._stop_group(self._groups[-1])
            self._groups.pop()
            self._write_table()

    def _stop_group(self, group: Sequence[_Supervised]) -> None:
        signals, deadline, step = self._signals.asked_to_stop, time.monotonic() + self._stop_timeout, 1
        alive = [part for part in group if part.running.poll() is None]
        for part in alive:
            part.running.send_signal(part.component.stop_signal)
        while alive := [part for part in alive if part.running.poll() is None]:
            if time.monotonic() > deadline or self._signals.asked_to_stop > signals:
                signals, deadline = self._signals.asked_to_stop, time.monotonic() + self._stop_timeout
                for part in alive:
                    if step == 1:
                        self._say(
                            f"{part.component.name} did not stop by itself, so it is ended. Log: {part.component.log}"
                        )
                    part.running.send_signal(part.component.last_signal if step == 1 else signal.SIGKILL)
                step += 1
            self._signals.wait(0.02)

    def _all(self) -> list[_Supervised]:
        return [part for group in self._groups for part in group]

    def _write_table(self) -> None:
        """Write the names and pids of running parts, for `kierto status`, for tests, and for a start after a crash."""
        if self._groups:
            pids = {part.component.name: part.running.pid for part in self._all() if part.restart_at is None}
            write_atomically(self._table, json.dumps(pids, indent=2))
        else:
            self._table.unlink(missing_ok=True)


def describe_exit(code: int) -> str:
    """Describe an exit code in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _with_logs(sentence: str, parts: Sequence[_Supervised]) -> str:
    logs = [f"\n{part.component.name} ({part.component.log}):\n{tail(part.component.log)}" for part in parts]
    return "\n".join([f"{sentence} {', '.join(part.component.name for part in parts)}", *logs])
