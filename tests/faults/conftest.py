"""Fixtures of the faults: one stack for all, partners that follow its events, and a table of results at the end."""

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
    """Collect the results that the tests report, from all processes of the run."""
    if report.when == "teardown":
        results = dict[str, list[object]]()
        for kind, result in report.user_properties:
            results.setdefault(kind, []).append(result)
        _results.extend(msgspec.convert(results.get(FaultResult.__name__, []), list[FaultResult]))
        _outages.extend(msgspec.convert(results.get(OutageResult.__name__, []), list[OutageResult]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _results or _outages:
        terminalreporter.section(report.title(config.getoption("--full", default=False)))
        if _results:
            terminalreporter.write_line(report.table(_results))
        if _outages:
            terminalreporter.write_line(report.outage_table(_outages))


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Tell whether this is the full form: every fault as often as it is judged."""
    return bool(pytestconfig.getoption("--full", default=False))


class StackPool:
    """Stack for the faults: one with findings is replaced, so that the next fault is judged by itself."""

    def __init__(self, full: bool) -> None:
        self._full = full
        self._stack = contextlib.ExitStack()
        self._current: tuple[FaultStack, Path] | None = None

    def current(self) -> tuple[FaultStack, Path]:
        """Return a stack without known findings, and the folder with the logs of its subscribers."""
        if self._current is not None and self._current[0].suspect:
            self.close()
        if self._current is None:
            fault_stack = self._stack.enter_context(run_fault_stack(self._full))
            self._current = fault_stack, self._stack.enter_context(run_subscribers(fault_stack, self._full))
        return self._current

    def close(self) -> None:
        self._current = None
        self._stack.close()


@pytest.fixture(scope="package")
def stack_pool(full: bool) -> Iterator[StackPool]:
    """The stack, started once for all faults of this process unless one leaves findings."""
    pool = StackPool(full)
    yield pool
    pool.close()


@contextlib.contextmanager
def run_subscribers(fault_stack: FaultStack, full: bool) -> Iterator[Path]:
    """Run 100 subscribers, or 20, that follow the events and reconnect at random; yield the folder with their logs."""

    async def find_stock() -> None:
        async with LoadClients.of(fault_stack.stack) as clients:
            fault_stack.stock = await read_stock(clients)

    asyncio.run(find_stock())
    folder, sites = fault_stack.stack.home.root / "notes", fault_stack.stack.home.root / "sites"
    folder.mkdir()
    subscribers = (100 if full else 20) - FOLLOW_ALL - len(TYPES)
    site_ids = sorted({offer.site_id for offer in fault_stack.stock})[:subscribers]
    sites.write_text("\n".join(site_ids), encoding="utf-8")
    gateway, partner = fault_stack.stack.gateway, fault_stack.stack.sign_in_of("planning")
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
        assert process.poll() is None, "the subscribers failed"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def trial(stack_and_logs: tuple[FaultStack, Path], full: bool, report_result: Report) -> AsyncIterator[Trial]:
    """A trial of a fault. One that does not succeed leaves the stack suspect."""
    fault_stack, subscriber_logs = stack_and_logs
    fault_stack.suspect = True
    async with LoadClients.of(fault_stack.stack) as clients:
        trial = Trial(fault_stack, clients, subscriber_logs, report_result, full)
        with contextlib.closing(trial):
            yield trial
        fault_stack.suspect = not trial.passed


@pytest.fixture
def report_result(request: pytest.FixtureRequest) -> Report:
    """Add a result to the tables at the end."""

    def put(result: FaultResult | OutageResult) -> None:
        request.node.user_properties.append((type(result).__name__, msgspec.to_builtins(result)))

    return put


@pytest.fixture
def stack_and_logs(stack_pool: StackPool) -> tuple[FaultStack, Path]:
    """The present stack and the folder of subscriber logs; started in the main thread, which its processes end with."""
    return stack_pool.current()


def _await_first_checkpoints(folder: Path) -> None:
    """Wait until each subscriber has a checkpoint: from here on it may miss no event."""
    deadline = time.monotonic() + 120
    while True:
        files = list(folder.iterdir())
        if files and all('"connected"' in file.read_text(encoding="utf-8") for file in files):
            return
        assert time.monotonic() < deadline, "the subscribers got no checkpoints"
        time.sleep(0.1)
