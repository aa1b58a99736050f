"""Lock that allows one stack a folder, with the process and the ports of its holder."""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.paths import Home


@dataclass(frozen=True)
class Holder:
    """A running stack."""

    pid: int
    port_base: int


class FolderLock:
    """Lock of the supervisor; the kernel releases it when the process ends."""

    def __init__(self, home: Home) -> None:
        self._path = home.lock
        self._descriptor: int | None = None

    def acquire(self, port_base: int) -> None:
        """Acquire the lock; raise StackError if another stack runs in this folder."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _try_lock(descriptor):
            holder = _read(self._path)
            os.close(descriptor)
            held_by = f" (pid {holder.pid}, ports from {holder.port_base} on)" if holder else ""
            raise StackError(
                f"A stack runs in this folder already{held_by}. `make down` stops it. For a second one beside it set "
                "KIERTO_HOME to another folder and KIERTO_PORT_BASE to another number."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "port_base": port_base}).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def holder_of(home: Home) -> Holder | None:
    """Return the stack that runs in this folder, or None."""
    try:
        descriptor = os.open(home.lock, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(home.lock)
    finally:
        os.close(descriptor)
    return None


def wait_until_free(home: Home, seconds: float) -> bool:
    """Wait until the stack of this folder has ended; return False after so many seconds."""
    deadline = time.monotonic() + seconds
    while holder_of(home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _try_lock(descriptor: int) -> bool:
    """Try to lock, several times: holder_of() holds the lock for an instant."""
    for _ in range(5):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _read(path: Path) -> Holder | None:
    """Read the holder; None in the moment between the lock and the write."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return None
