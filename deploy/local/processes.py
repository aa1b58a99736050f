"""Start of processes that do not outlive their supervisor: a program by exec, our own Python by fork."""

import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

LOG_LIMIT = 5_000_000
"""Bytes from which a log is rotated at the next start; one older log is kept."""

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class ChildProcess(Protocol):
    """A process that this module started."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """Return None while it runs; then its exit code, or minus the signal that ended it."""

    def send_signal(self, sig: int, /) -> None: ...


@dataclass(frozen=True)
class ProcessUser:
    """User that a program runs as."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str],
    *,
    folder: Path,
    death_signal: signal.Signals,
    user: ProcessUser | None = None,
) -> subprocess.Popen[bytes]:
    """Run a program in a session of its own, its output appended to `log`.

    The kernel sends it `death_signal` when the *thread* that calls this ends (Linux only), so call it from a thread
    that lives as long as the program should.
    """
    parent = os.getpid()
    output = open_log(log)
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            preexec_fn=lambda: set_parent_death_signal(parent, death_signal),  # noqa: PLW1509 - nothing else sets the death signal
        )
    finally:
        os.close(output)


@dataclass
class ForkedProcess:
    """A child made by fork."""

    pid: int
    _code: int | None = field(default=None, repr=False)

    def poll(self) -> int | None:
        if self._code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def send_signal(self, sig: int, /) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


def fork(target: Callable[[], int], log: Path, environment: Mapping[str, str]) -> ForkedProcess:
    """Run `target` in a child that has all modules of this process already, and only `environment` as settings.

    The caller has one thread: a child would inherit the held locks of others.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    output = open_log(log)
    # Until _detach() the child has its parent's signal handlers, so signals are blocked until then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(output)
        return ForkedProcess(pid)
    code = 1
    try:
        _detach(parent, output, environment)
        code = target()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def open_log(log: Path) -> int:
    """Open the log for appending; rotate it first if it has grown large."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _detach(parent: int, output: int, environment: Mapping[str, str]) -> None:
    """Give up the supervisor's session, signals, descriptors and environment."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(sig, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    set_parent_death_signal(parent, signal.SIGKILL)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, kept for life
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def set_parent_death_signal(parent: int, sig: signal.Signals) -> None:
    """Have the kernel send a signal when the parent dies; end at once if it already has."""
    if _prctl:
        _prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
