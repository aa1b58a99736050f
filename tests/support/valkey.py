"""A Valkey that a test controls: it kills, pauses and restarts it."""

import signal
import time
from pathlib import Path

from deploy.local import valkey
from deploy.local.paths import Home
from deploy.local.processes import ChildProcess


class ControlledValkey:
    """One Valkey on ``port``, in memory only."""

    def __init__(self, home: Path, port: int) -> None:
        self._home = Home(home)
        self._home.make()
        self._valkey = valkey.EmbeddedValkey(self._home, port)
        self._running: ChildProcess | None = None
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"

    def start(self) -> None:
        """Start it in the main thread, which it ends with, and wait until it is ready."""
        deadline = time.monotonic() + 60
        self._running = self._valkey.start()
        while not self._valkey.is_ready(self._running.pid):
            assert self._running.poll() is None and time.monotonic() < deadline, self._valkey.log.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait for its end."""
        if self._running is None:
            return
        self._running.send_signal(signal.SIGKILL)
        while self._running.poll() is None:
            time.sleep(0.01)
        self._running = None

    def pause(self) -> None:
        """Send SIGSTOP: connections stay open without responses."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        assert self._running is not None
        self._running.send_signal(signal.SIGCONT)
