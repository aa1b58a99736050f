"""One PostgreSQL, one Valkey and one Kafka for a whole test run, started once, by the first process of the run.

A developer who tests often keeps them running apart and names their folder:
``python -m deploy.local --home /tmp/kierto-test --port-base 19700`` and
``KIERTO_TEST_HOME=/tmp/kierto-test KIERTO_TEST_PORT_BASE=19700 make test``.
"""

import os
import sys
from collections.abc import Iterator

import pytest

from tests.support import servers

pytest_plugins = ["tests.support.properties", "tests.support.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers before pytest-xdist starts its workers, which find them by the environment."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    if servers.HOME not in os.environ:
        sys.stderr.write("Starting PostgreSQL, Valkey and Kafka for the tests ...\n")
        try:
            servers.start()
        except RuntimeError as problem:
            pytest.exit(str(problem), returncode=3)
    servers.switch_off_fsync()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.stop()


@pytest.fixture(scope="session")
def server_addresses() -> Iterator[servers.Servers]:
    """Where the servers of this run are."""
    yield servers.find()
