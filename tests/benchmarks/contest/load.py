"""The load: one run of the compiled program against one server."""

import subprocess
from pathlib import Path

import msgspec

from tests.benchmarks.contest import native_programs


def digits(count: int) -> str:
    """Return a placeholder of so many hex digits, which the load fills differently in each request."""
    return "~" * count


def token(length: int) -> str:
    """Return the placeholder of a caller's token of this length, which the load fills."""
    return "^" * length


class Load(msgspec.Struct, frozen=True):
    """Result of a run; times in microseconds."""

    requests: int
    all: int
    """Number of requests, those before the measurement included."""
    errors: int
    seconds: float
    p50: float
    p99: float
    most: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def run(
    port: int,
    requests: Path,
    tokens: Path | None = None,
    *,
    connections: int,
    seconds: float,
    rate: float = 0,
    seed: int = 0,
) -> Load:
    """Load a server for some seconds: as fast as it responds, or at ``rate`` requests a second.

    ``requests`` is a file of whole requests, the measured one first, with placeholders of digits and of one of the
    ``tokens`` (a file of lines); ``seed`` determines their values.
    """
    command = [
        str(native_programs.compile_program("load")),
        str(port),
        str(connections),
        str(seconds),
        f"{rate:.3f}",
        str(seed),
        str(requests),
        *([str(tokens)] if tokens else []),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Load)
