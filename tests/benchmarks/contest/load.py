"""The load, from Python: one run of the compiled program against one server."""

import subprocess
from pathlib import Path

import msgspec

from tests.benchmarks.contest import native_programs


class Load(msgspec.Struct, frozen=True):
    """What a run found; times in microseconds. ``all`` counts the requests before the measuring too."""

    requests: int
    all: int
    errors: int
    seconds: float
    p50: float
    p99: float
    most: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def run(port: int, request: Path, *, connections: int, seconds: float, rate: float = 0) -> Load:
    """Load a server for some seconds: as fast as it answers, or at ``rate`` requests a second."""
    command = [
        str(native_programs.made("load")),
        str(port),
        str(connections),
        str(seconds),
        f"{rate:.3f}",
        str(request),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Load)
