"""Runner of the contest among the contestants that this machine can run, and its output."""

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
    """Run the contest of ours and ``only`` these; return its failures."""
    contestants = competing(only)
    try:
        for program in ("load", "canned"):
            native_programs.compile_program(program)
        cores = two_cores()
        commands = dict(_prepare(contestants))
        with pinned_to_core(cores.load), _kafka() as kafka:
            results = compete(commands, kafka, cores, rounds, _console.print)
    except MissingTool as error:
        _console.print(f"THE CONTEST IS LEFT OUT: this machine lacks {error}.")
        return []
    for table in tables(results):
        _console.print(table)
    for failure in results.failures:
        _console.print(f"FAILED: {failure}")
    return results.failures


def competing(only: Sequence[str]) -> Sequence[Contestant]:
    """Return ours and ``only`` these, or all that need not be named; raise SystemExit for an unknown name."""
    unknown = set(only) - {contestant.name for contestant in CONTESTANTS}
    if unknown:
        raise SystemExit(f"no contestant is called {', '.join(sorted(unknown))}")
    return [
        contestant
        for contestant in CONTESTANTS
        if contestant is OURS or (contestant.name in only if only else not contestant.only_if_named)
    ]


def _prepare(contestants: Sequence[Contestant]) -> Iterator[tuple[Contestant, Sequence[str]]]:
    for contestant in contestants:
        try:
            yield contestant, contestant.prepare()
        except MissingTool as error:
            _console.print(f"{contestant.name.upper()} IS LEFT OUT: this machine lacks {error}.")


@contextlib.contextmanager
def _kafka() -> Iterator[str]:
    """Yield the broker for the gateway: that of running test servers, or of servers started here."""
    if servers.HOME in os.environ:
        yield servers.find().kafka
        return
    servers.start()
    try:
        yield servers.find().kafka
    finally:
        servers.stop()
