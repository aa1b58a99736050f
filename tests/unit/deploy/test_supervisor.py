"""Tests of the supervisor: failed parts are restarted and reported, and parts are stopped in order."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.processes import ChildProcess, fork
from deploy.local.signals import Signals
from deploy.local.supervisor import StartInterrupted, Supervisor
from tests.support.polling import wait_for


@dataclass
class _FakeComponent:
    """A part that runs a small function."""

    name: str
    folder: Path
    target: Callable[[], int]
    ready: Callable[[int], bool] = lambda pid: True
    stop_signal: signal.Signals = signal.SIGTERM
    last_signal: signal.Signals = signal.SIGKILL
    starts: list[int] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> ChildProcess:
        child = fork(self.target, self.log, {})
        self.starts.append(child.pid)
        return child

    def is_ready(self, pid: int) -> bool:
        return self.ready(pid)


def _sleep() -> int:
    while True:
        signal.pause()


def _ignore_signals() -> int:
    signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
    print("deaf")
    return _sleep()


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, messages: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(messages.append, tmp_path / "processes.json", Signals(), stop_timeout=0.3)
    yield supervisor
    supervisor.stop()


def _supervise_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    def restart_and_check() -> bool:
        supervisor.restart_failed()
        return condition()

    wait_for(restart_and_check)


def test_a_killed_part_is_restarted_and_reported(supervisor: Supervisor, tmp_path: Path, messages: list[str]) -> None:
    part = _FakeComponent("worker", tmp_path, _sleep)
    supervisor.start(part)

    os.kill(part.starts[0], signal.SIGKILL)
    _supervise_until(supervisor, lambda: len(part.starts) == 2)

    assert messages == [f"worker was ended by SIGKILL; it is started again in 0.1 s. Log: {part.log}"]
    assert json.loads((tmp_path / "processes.json").read_text()) == {"worker": part.starts[1]}


def test_a_part_that_ends_by_itself_is_restarted_with_backoff(
    supervisor: Supervisor, tmp_path: Path, messages: list[str]
) -> None:
    part = _FakeComponent("worker", tmp_path, lambda: 7)
    supervisor.start(part)

    _supervise_until(supervisor, lambda: len(messages) == 3)

    pauses = [sentence.split("again in ")[1].split(" s.")[0] for sentence in messages]
    assert pauses == ["0.1", "0.2", "0.4"]
    assert "worker ended with exit code 7;" in messages[0]


def test_the_table_names_running_parts(supervisor: Supervisor, tmp_path: Path) -> None:
    one, two = _FakeComponent("one", tmp_path, _sleep), _FakeComponent("two", tmp_path, _sleep)
    supervisor.start(one)
    supervisor.start(two)

    assert json.loads((tmp_path / "processes.json").read_text()) == {"one": one.starts[0], "two": two.starts[0]}
    supervisor.stop()
    assert not (tmp_path / "processes.json").exists()


def test_groups_are_stopped_from_the_last_to_the_first(supervisor: Supervisor, tmp_path: Path) -> None:
    stop_log = tmp_path / "stop-log"

    def logging_part(name: str) -> Callable[[], int]:
        def target() -> int:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            sys.stdout.write("blocked\n")
            signal.sigwait([signal.SIGTERM])
            with stop_log.open("a") as file:
                file.write(f"{name}\n")
            return 0

        return target

    parts = [_FakeComponent(name, tmp_path, logging_part(name)) for name in ("database", "worker", "api", "gateway")]
    for part in parts:
        supervisor.start(part)
    wait_for(lambda: all("blocked" in part.log.read_text() for part in parts))

    supervisor.stop()

    assert stop_log.read_text().split() == ["gateway", "api", "worker", "database"]


def test_a_part_that_does_not_stop_is_killed_and_reported(
    supervisor: Supervisor, tmp_path: Path, messages: list[str]
) -> None:
    part = _FakeComponent("deaf", tmp_path, _ignore_signals)
    supervisor.start(part)
    wait_for(lambda: "deaf" in part.log.read_text())

    supervisor.stop()

    assert messages == [f"deaf did not stop by itself, so it is ended. Log: {part.log}"]
    with pytest.raises(ProcessLookupError):
        os.kill(part.starts[0], 0)


def test_it_waits_for_readiness(supervisor: Supervisor, tmp_path: Path) -> None:
    pids: list[int] = []

    def on_third_check(pid: int) -> bool:
        pids.append(pid)
        return len(pids) == 3

    part = _FakeComponent("slow", tmp_path, _sleep, ready=on_third_check)
    supervisor.start(part)

    supervisor.await_ready(10)

    assert pids == [part.starts[0]] * 3


def test_only_the_named_parts_are_waited_for(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(
        _FakeComponent("never", tmp_path, _sleep, ready=lambda pid: False), _FakeComponent("soon", tmp_path, _sleep)
    )

    supervisor.await_ready(10, "soon")


def test_an_unready_part_is_shown_with_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    def print_error() -> int:
        sys.stdout.write("no database\n")
        return _sleep()

    part = _FakeComponent("unready", tmp_path, print_error, ready=lambda pid: False)
    supervisor.start(part, _FakeComponent("ready", tmp_path, _sleep))
    wait_for(lambda: "no database" in part.log.read_text())

    with pytest.raises(StackError) as problem:
        supervisor.await_ready(0.1)

    assert "These were not ready after 0 s: unready\n" in str(problem.value)
    assert "no database" in str(problem.value)


def test_a_part_that_fails_repeatedly_before_it_is_ready_ends_the_start(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(_FakeComponent("broken", tmp_path, lambda: 1, ready=lambda pid: False))

    with pytest.raises(StackError, match="These fell again and again: broken"):
        supervisor.await_ready(60)


def test_a_signal_to_stop_interrupts_the_start(tmp_path: Path) -> None:
    with Signals() as signals:
        supervisor = Supervisor(lambda sentence: None, tmp_path / "processes.json", signals)
        supervisor.start(_FakeComponent("never", tmp_path, _sleep, ready=lambda pid: False))
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StartInterrupted):
            supervisor.await_ready(60)
        supervisor.stop()


def test_watch_ends_on_a_signal_and_wakes_when_a_child_ends(tmp_path: Path, messages: list[str]) -> None:
    parent = os.getpid()
    with Signals() as signals:
        supervisor = Supervisor(messages.append, tmp_path / "processes.json", signals)
        failed_once = tmp_path / "failed"

        def fail_once_then_signal_parent() -> int:
            if failed_once.exists():
                os.kill(parent, signal.SIGINT)
                return _sleep()
            failed_once.touch()
            return 1

        part = _FakeComponent("worker", tmp_path, fail_once_then_signal_parent)
        began = time.monotonic()
        supervisor.start(part)
        supervisor.watch()
        supervisor.stop()

    assert len(part.starts) == 2
    assert time.monotonic() - began < 20  # the pause of watch() is a minute, unless a signal ends it


def test_a_second_signal_ends_the_wait(tmp_path: Path, messages: list[str]) -> None:
    with Signals() as signals:
        supervisor = Supervisor(messages.append, tmp_path / "processes.json", signals, stop_timeout=60)
        unresponsive = _FakeComponent("deaf", tmp_path, _ignore_signals)
        parent = os.getpid()

        def signal_again() -> int:
            wait_for(lambda: "asked to stop" in unresponsive.log.read_text())
            os.kill(parent, signal.SIGINT)
            return 0

        supervisor.start(unresponsive)
        helper = fork(signal_again, tmp_path / "signal-again.log", {})
        wait_for(lambda: "deaf" in unresponsive.log.read_text())
        began = time.monotonic()
        supervisor.stop()
        wait_for(lambda: helper.poll() is not None)

    assert time.monotonic() - began < 30
