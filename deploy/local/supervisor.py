"""Keeping parts running: start, look after, start again what fell, stop in order. One thread; children by fork."""

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
"""A part that falls this often before it was ever ready will not get ready by another try."""
_STABLE_AFTER_S = 30.0
"""Seconds after which a part is no longer thought to fall over and over."""
_MAX_BACKOFF_S = 5.0


class Component(Protocol):
    """What can be kept running."""

    @property
    def name(self) -> str: ...
    @property
    def log(self) -> Path: ...
    @property
    def stop_signal(self) -> signal.Signals: ...
    @property
    def last_signal(self) -> signal.Signals:
        """For a part that did not stop in time."""

    def start(self) -> ChildProcess: ...
    def is_ready(self, pid: int, /) -> bool: ...


class StartInterrupted(Exception):
    """Someone asked the stack to stop while it was starting."""


@dataclass
class _Supervised:
    component: Component
    running: ChildProcess
    since: float
    failures: int = 0
    restart_at: float | None = None
    """When to start it again; None while it runs."""
    was_ready: bool = False


class Supervisor:
    """Parts are started group by group and stopped in the opposite order."""

    def __init__(self, say: Callable[[str], None], process_table: Path, signals: Signals, patience: float = 10) -> None:
        """`patience`: seconds that a group has to stop before it is ended."""
        self._say = say
        self._table = process_table
        self._signals = signals
        self._patience = patience
        self._groups: list[list[_Supervised]] = []

    def start(self, *parts: Component) -> None:
        """Start a group, all at once, without waiting for it."""
        group: list[_Supervised] = []
        self._groups.append(group)
        for part in parts:
            group.append(_Supervised(part, part.start(), time.monotonic()))  # noqa: PERF401 - what started is known at once
        self._write_table()

    def restart_failed(self) -> None:
        """Bury what fell, and start again what has waited long enough."""
        changed = False
        now = time.monotonic()
        for kept in self._all():
            if kept.restart_at is None and (code := kept.running.poll()) is not None:
                kept.failures = 1 if now - kept.since > _STABLE_AFTER_S else kept.failures + 1
                pause = min(_MAX_BACKOFF_S, 0.1 * 2 ** (kept.failures - 1))
                kept.restart_at = now + pause
                self._say(
                    f"{kept.component.name} {describe_exit(code)}; it is started again in {pause:.1f} s. "
                    f"Log: {kept.component.log}"
                )
                changed = True
            elif kept.restart_at is not None and kept.restart_at <= now:
                kept.running, kept.since, kept.restart_at = kept.component.start(), now, None
                changed = True
        if changed:
            self._write_table()

    def await_ready(self, seconds: float, *names: str) -> None:
        """Wait until the named parts (none named: all) are ready.

        Raises StackProblem with the ends of their logs if some are not, Interrupted if told to stop.
        """
        waiting = [kept for kept in self._all() if not names or kept.component.name in names]
        until = time.monotonic() + seconds
        while True:
            self.restart_failed()
            for kept in waiting:
                kept.was_ready = kept.was_ready or (
                    kept.restart_at is None and kept.component.is_ready(kept.running.pid)
                )
            waiting = [kept for kept in waiting if not kept.was_ready]
            if not waiting:
                return
            if fallen := [kept for kept in waiting if kept.failures >= _MAX_FAILED_STARTS]:
                raise StackError(_with_logs("These fell again and again:", fallen))
            if time.monotonic() > until:
                raise StackError(_with_logs(f"These were not ready after {seconds:.0f} s:", waiting))
            if self._signals.asked_to_stop:
                raise StartInterrupted
            self._signals.wait(0.05)

    def watch(self) -> None:
        """Look after everything until told to stop."""
        while not self._signals.asked_to_stop:
            self.restart_failed()
            due = [kept.restart_at for kept in self._all() if kept.restart_at is not None]
            self._signals.wait(max(0.01, min(due) - time.monotonic()) if due else 60)

    def stop(self) -> None:
        """Stop group after group, the last one first. Asked to stop once more, services are not waited for."""
        while self._groups:
            self._stop_group(self._groups[-1])
            self._groups.pop()
            self._write_table()

    def _stop_group(self, group: Sequence[_Supervised]) -> None:
        asked, until, step = self._signals.asked_to_stop, time.monotonic() + self._patience, 1
        alive = [kept for kept in group if kept.running.poll() is None]
        for kept in alive:
            kept.running.send_signal(kept.component.stop_signal)
        while alive := [kept for kept in alive if kept.running.poll() is None]:
            if time.monotonic() > until or self._signals.asked_to_stop > asked:
                asked, until = self._signals.asked_to_stop, time.monotonic() + self._patience
                for kept in alive:
                    if step == 1:
                        self._say(
                            f"{kept.component.name} did not stop by itself, so it is ended. Log: {kept.component.log}"
                        )
                    kept.running.send_signal(kept.component.last_signal if step == 1 else signal.SIGKILL)
                step += 1
            self._signals.wait(0.02)

    def _all(self) -> list[_Supervised]:
        return [kept for group in self._groups for kept in group]

    def _write_table(self) -> None:
        """Name to pid of what runs now, for `kierto status`, for tests, and for a start after a crash."""
        if self._groups:
            pids = {kept.component.name: kept.running.pid for kept in self._all() if kept.restart_at is None}
            write_atomically(self._table, json.dumps(pids, indent=2))
        else:
            self._table.unlink(missing_ok=True)


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _with_logs(sentence: str, kept: Sequence[_Supervised]) -> str:
    parts = [f"\n{one.component.name} ({one.component.log}):\n{tail(one.component.log)}" for one in kept]
    return "\n".join([f"{sentence} {', '.join(one.component.name for one in kept)}", *parts])
