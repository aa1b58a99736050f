"""The load, from Python: one run of the compiled program against one server."""

import subprocess
from pathlib import Path

import msgspec

from tests.benchmarks.contest import native_programs


def digits(count: int) -> str:
    """Return places in a request that the load fills with so many hex digits, other ones in each request."""
    return "~" * count


def token(length: int) -> str:
    """Return the place in a request that the load fills with one of the callers' tokens, which have this length."""
    return "^" * length


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
    """Load a server for some seconds: as fast as it answers, or at ``rate`` requests a second.

    ``requests`` is a file of whole requests, the measured one first, with places for digits and one of the ``tokens``
    (a file of lines); what they are filled with follows from ``seed``.
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
