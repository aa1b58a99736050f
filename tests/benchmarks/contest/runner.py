"""Holds the contest among those that this machine can run, and shows the tables."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from rich.console import Console

from tests.benchmarks.contest import native_programs
from tests.benchmarks.contest.contestants import CONTESTANTS, OURS, Contestant
from tests.benchmarks.contest.native_programs import MissingTool
from tests.benchmarks.contest.rounds import compete, two_cores
from tests.benchmarks.contest.server_process import pinned_to_core
from tests.benchmarks.contest.tables import tables
from tests.support import servers

_console = Console(width=140)


def run_contest(rounds: int = 10, only: Sequence[str] = ()) -> list[str]:
    """Let ours and ``only`` these compete; what is amiss, in words."""
    everyone = competing(only)
    try:
        for program in ("load", "canned"):
            native_programs.compile_program(program)
        cores = two_cores()
        commands = dict(_prepare(everyone))
        with pinned_to_core(cores.load), _kafka() as kafka:
            results = compete(commands, kafka, cores, rounds, _console.print)
    except MissingTool as missing:
        _console.print(f"THE CONTEST IS LEFT OUT: this machine lacks {missing}.")
        return []
    for table in tables(results):
        _console.print(table)
    for complaint in results.failures:
        _console.print(f"AMISS: {complaint}")
    return results.failures


def competing(only: Sequence[str]) -> Sequence[Contestant]:
    """Return ours and ``only`` these, or all that take part without being named; SystemExit for an unknown name."""
    unknown = set(only) - {one.name for one in CONTESTANTS}
    if unknown:
        raise SystemExit(f"no contestant is called {', '.join(sorted(unknown))}")
    return [one for one in CONTESTANTS if one is OURS or (one.name in only if only else not one.only_if_named)]


def _prepare(everyone: Sequence[Contestant]) -> Iterator[tuple[Contestant, Sequence[str]]]:
    for one in everyone:
        try:
            yield one, one.prepare()
        except MissingTool as missing:
            _console.print(f"{one.name.upper()} IS LEFT OUT: this machine lacks {missing}.")


@contextlib.contextmanager
def _kafka() -> Iterator[str]:
    """The broker that the gateway reads: the one of the tests' servers that run, or of some of its own."""
    if servers.HOME in os.environ:
        yield servers.find().kafka
        return
    servers.start()
    try:
        yield servers.find().kafka
    finally:
        servers.stop()
