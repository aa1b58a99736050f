"""Tests of child processes: forked with all modules and their own settings only, and ended with their parent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.local import processes
from deploy.local.paths import CLONE
from deploy.local.processes import fork, spawn
from tests.support.polling import wait_for


def _run(target: Callable[[], int], log: Path, environment: dict[str, str] | None = None) -> int:
    child = fork(target, log, environment or {})
    wait_for(lambda: child.poll() is not None)
    code = child.poll()
    assert code is not None
    return code


def _kill_self() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _raise(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (lambda: 0, 0),
        (lambda: 3, 3),
        (lambda: sys.exit(4), 4),
        (sys.exit, 0),
        (lambda: sys.exit("no"), 1),
        (lambda: _raise(ValueError("broken")), 1),
        (_kill_self, -signal.SIGKILL),
    ],
)
def test_a_child_ends_as_its_target_does(tmp_path: Path, target: Callable[[], int], code: int) -> None:
    assert _run(target, tmp_path / "log") == code


def test_a_child_gets_its_own_settings_and_its_output_goes_to_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_ANOTHER", "x")

    def print_environment() -> int:
        sys.stdout.write(f"{json.dumps(dict(os.environ))}\n")
        sys.stderr.write("to stderr\n")
        return 0

    assert _run(print_environment, tmp_path / "log", {"OWN": "1"}) == 0
    environment, errors = (tmp_path / "log").read_text().splitlines()
    assert json.loads(environment) == {"OWN": "1"}
    assert errors == "to stderr"


def test_a_child_is_a_fork_with_the_imported_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "only_in_this_process", sys)

    assert _run(lambda: int("only_in_this_process" not in sys.modules), tmp_path / "log") == 0


def test_a_child_inherits_neither_descriptors_nor_session_nor_signals(tmp_path: Path) -> None:
    def check_inheritance() -> int:
        descriptors = [number for number in map(int, os.listdir("/proc/self/fd")) if number > 2]  # noqa: PTH208
        default_handler = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        return 0 if len(descriptors) <= 1 and os.getsid(0) == os.getpid() and default_handler else 1  # 1: listdir's own

    with (tmp_path / "held").open("w"):
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            assert _run(check_inheritance, tmp_path / "log") == 0
        finally:
            signal.signal(signal.SIGTERM, before)


def test_a_large_log_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 10)
    (log := tmp_path / "x.log").write_text("a long story\n")

    _run(lambda: 0 * sys.stdout.write("new\n"), log)

    assert log.read_text() == "new\n"
    assert (tmp_path / "x.log.1").read_text() == "a long story\n"


_SUPERVISOR = """
import signal, sys
from pathlib import Path
from deploy.local.processes import fork, spawn
folder = Path(sys.argv[1])
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()
forked = fork(stubborn, folder / "forked.log", {})
program = spawn(["/bin/sleep", "600"], folder / "program.log", {}, folder=folder, death_signal=signal.SIGKILL)
print(forked.pid, program.pid, flush=True)
signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends them: test_orphans")
def test_a_killed_parent_leaves_no_orphan(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=CLONE
    ) as parent:
        assert parent.stdout
        children = [int(word) for word in parent.stdout.readline().split()]
        assert len(children) == 2
        assert all(_is_alive(pid) for pid in children)

        parent.kill()

    wait_for(lambda: not any(_is_alive(pid) for pid in children))


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spawn([tmp_path / "none"], tmp_path / "log", {}, folder=tmp_path, death_signal=signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
