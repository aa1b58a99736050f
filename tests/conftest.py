"""One PostgreSQL, one Valkey and one Kafka for a whole test run, started once, by the first process of the run.

To keep them running between test runs, start them apart and name their folder:
``python -m deploy.local --home /tmp/kierto-test --port-base 19700`` and
``KIERTO_TEST_HOME=/tmp/kierto-test KIERTO_TEST_PORT_BASE=19700 make test``.
"""

import contextlib
import gc
import os
import sys
from collections.abc import Generator, Iterator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from gateway.playground.build import BuildFailed, build
from tests.support import servers
from tests.support.stack import RunningStack, new_stack, running_stack

WITH_OWN_STACKS = ("tests/faults", "tests/e2e", "tests/browser")
"""Folders whose tests start whole stacks of their own, and use no other servers."""
BESIDE_FAULTS = (
    "tests/faults/test_killed_while_importing.py",
    "tests/e2e/test_one_pickup.py",
    "tests/e2e/test_production_install.py",
    "tests/e2e/",
    "tests/browser/",
    "tests/e2e/test_stack_rebuild.py",
)
"""Tests on other stacks than that of the faults, in their order: the last ones share the demonstration."""
LONGEST_FAULTS = (
    "tests/faults/test_processes.py",
    "tests/faults/test_broker.py",
    "tests/faults/test_postgres.py",
    "tests/faults/test_malformed_records.py",
    "tests/faults/test_service_outage.py",
)
"""The faults that begin first: one that began last would run alone."""

pytest_plugins = ["tests.support.hypothesis_profiles", "tests.support.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    """Begin to start the servers before pytest-xdist starts its workers, which find them by the environment."""
    if not _uses_servers(config):
        return
    if servers.HOME not in os.environ:
        sys.stderr.write("Starting PostgreSQL, Valkey and Kafka for the tests ...\n")
        servers.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Wait for the servers, which have started while this process or its workers collected the tests."""
    if _uses_servers(session.config):
        try:
            servers.await_ready()
        except RuntimeError as error:
            pytest.exit(str(error), returncode=3)
        servers.switch_off_fsync()
    return (yield)


def _uses_servers(config: pytest.Config) -> bool:
    """Tell whether this is the first process of a run with tests that use the servers."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return False
    return not all(argument.startswith(WITH_OWN_STACKS) for argument in config.args)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.stop()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without the garbage collector, which would traverse the imported modules again and again.

    Later collections leave out the objects that are there now: none of them becomes garbage.
    """
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


class StackScheduling(LoadScopeScheduling):  # type: ignore[misc]  # without types
    """Scheduler of files (``--dist loadfile``) for tests on whole stacks.

    One worker runs all that is beside the faults, the others share the faults: a worker keeps its stack of faults, and
    the demonstration, from file to file. Of two workers the first takes faults, too, when it is done.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "beside faults" if file.startswith(BESIDE_FAULTS) else file

    def _reschedule(self, node: WorkerController) -> None:
        if "beside faults" not in self.assigned_work[node] or len(self.nodes) <= 2:
            super()._reschedule(node)
        elif not node.shutting_down:
            node.shutdown()  # after its tests: it starts no further stack of faults


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests on whole stacks in the order in which they begin."""
    order = (*BESIDE_FAULTS, *LONGEST_FAULTS, "tests/faults/")

    def place(item: pytest.Item) -> int:
        exact = max((start for start in order if item.nodeid.startswith(start)), key=len, default=None)
        return -1 if exact is None else order.index(exact)

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> StackScheduling | None:
    """Use StackScheduling with ``--dist loadfile``."""
    return StackScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def demonstration() -> Iterator[RunningStack]:
    """A stack with the demonstration data and, if it can be built, the playground's page."""
    with contextlib.suppress(BuildFailed):
        build()
    with running_stack(new_stack(), demo=True) as stack:
        yield stack


@pytest.fixture(scope="session")
def server_addresses() -> Iterator[servers.Servers]:
    """Addresses of the servers of this run."""
    yield servers.find()
