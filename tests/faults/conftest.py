"""One house for all faults, partners who listen all the while, and a table of what happened at the end."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.faults import report
from tests.faults.load import LoadClients, read_stock
from tests.faults.report import FaultResult, OutageResult
from tests.faults.stack_fixture import FaultStack, run_fault_stack
from tests.faults.subscribers import FOLLOW_ALL, TYPES
from tests.faults.trial import Trial
from tests.support.servers import ROOT

_results: list[FaultResult] = []
_outages: list[OutageResult] = []

Report = Callable[[FaultResult | OutageResult], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="every fault as often as it is judged, not once")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what the tests tell, in whichever process they ran."""
    if report.when == "teardown":
        told = dict[str, list[object]]()
        for kind, line in report.user_properties:
            told.setdefault(kind, []).append(line)
        _results.extend(msgspec.convert(told.get(FaultResult.__name__, []), list[FaultResult]))
        _outages.extend(msgspec.convert(told.get(OutageResult.__name__, []), list[OutageResult]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _results or _outages:
        terminalreporter.section(report.title(config.getoption("--full", default=False)))
        if _results:
            terminalreporter.write_line(report.table(_results))
        if _outages:
            terminalreporter.write_line(report.outage_table(_outages))


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether every fault is done as often as it is judged."""
    return bool(pytestconfig.getoption("--full", default=False))


class StackPool:
    """One house after the other: one that was found wrong is left, so that the next fault is judged by itself."""

    def __init__(self, full: bool) -> None:
        self._full = full
        self._stack = contextlib.ExitStack()
        self._current: tuple[FaultStack, Path] | None = None

    def current(self) -> tuple[FaultStack, Path]:
        """A house in which nothing is known to be wrong, and what partners have noted who follow its events."""
        if self._current is not None and self._current[0].suspect:
            self.close()
        if self._current is None:
            house = self._stack.enter_context(run_fault_stack(self._full))
            self._current = house, self._stack.enter_context(run_subscribers(house, self._full))
        return self._current

    def close(self) -> None:
        self._current = None
        self._stack.close()


@pytest.fixture(scope="package")
def stack_pool(full: bool) -> Iterator[StackPool]:
    """The stack, started once for all faults of this process unless one leaves it wrong."""
    made = StackPool(full)
    yield made
    made.close()


@contextlib.contextmanager
def run_subscribers(house: FaultStack, full: bool) -> Iterator[Path]:
    """What partners write down who follow the events all the while and reconnect at random: 100, or 20."""

    async def find_stock() -> None:
        async with LoadClients.of(house.stack) as people:
            house.stock = await read_stock(people)

    asyncio.run(find_stock())
    folder, sites = house.stack.home.root / "notes", house.stack.home.root / "sites"
    folder.mkdir()
    subscribers = (100 if full else 20) - FOLLOW_ALL - len(TYPES)
    some = sorted({offered.site_id for offered in house.stock})[:subscribers]
    sites.write_text("\n".join(some), encoding="utf-8")
    gateway, partner = house.stack.gateway, house.stack.sign_in_of("planning")
    socket_url = f"{gateway.replace('http', 'ws')}/graphql"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.subscribers",
            socket_url,
            f"{gateway}/auth/token",
            *partner,
            folder,
            sites,
        ],
        cwd=ROOT,
    )
    try:
        _await_first_checkpoints(folder)
        yield folder
        assert process.poll() is None, "the subscribers fell"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def trial(stack_and_notes: tuple[FaultStack, Path], full: bool, report_result: Report) -> AsyncIterator[Trial]:
    """A fault to be tried. What ends with something else than success leaves a house in doubt."""
    house, notes = stack_and_notes
    house.suspect = True
    async with LoadClients.of(house.stack) as people:
        made = Trial(house, people, notes, report_result, full)
        yield made
        house.suspect = not made.passed


@pytest.fixture
def report_result(request: pytest.FixtureRequest) -> Report:
    """Puts a line into the tables at the end."""

    def put(line: FaultResult | OutageResult) -> None:
        request.node.user_properties.append((type(line).__name__, msgspec.to_builtins(line)))

    return put


@pytest.fixture
def stack_and_notes(stack_pool: StackPool) -> tuple[FaultStack, Path]:
    """The present house; started outside of any event loop, for its processes end with the thread's."""
    return stack_pool.current()


def _await_first_checkpoints(folder: Path) -> None:
    """From here on nothing may be missed."""
    end = time.monotonic() + 120
    while True:
        files = list(folder.iterdir())
        if files and all('"connected"' in file.read_text(encoding="utf-8") for file in files):
            return
        assert time.monotonic() < end, "the subscribers got no checkpoints"
        time.sleep(0.1)
