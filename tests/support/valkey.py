"""A Valkey in a test's own hands: killed, stopped, emptied, started again when the test says so."""

import signal
import time
from pathlib import Path

from deploy.local import valkey
from deploy.local.paths import Home
from deploy.local.processes import ChildProcess


class ControlledValkey:
    """One Valkey on ``port``, which keeps nothing."""

    def __init__(self, home: Path, port: int) -> None:
        self._home = Home(home)
        self._home.make()
        self._valkey = valkey.EmbeddedValkey(self._home, port)
        self._running: ChildProcess | None = None
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"

    def start(self) -> None:
        """Start it and wait until it answers. From the main thread: it ends with its thread."""
        end = time.monotonic() + 20
        self._running = self._valkey.start()
        while not self._valkey.is_ready(self._running.pid):
            assert self._running.poll() is None and time.monotonic() < end, self._valkey.log.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """``kill -9``, and wait for its end."""
        if self._running is None:
            return
        self._running.send_signal(signal.SIGKILL)
        while self._running.poll() is None:
            time.sleep(0.01)
        self._running = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)
