"""Fixtures: a broker that tests kill, empty and replace."""

from collections.abc import Iterator

import pytest

from tests.support.broker import ControlledBroker
from tests.support.servers import free_port_base


@pytest.fixture(scope="session")
def started_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlledBroker]:
    """One broker for all tests of this process: it takes seconds to start. Each test has topics of its own."""
    base = free_port_base()
    broker = ControlledBroker(tmp_path_factory.mktemp("broker"), base, base + 1)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def broker(started_broker: ControlledBroker) -> ControlledBroker:
    """A running broker, with the topics of earlier tests."""
    started_broker.ensure_running()
    return started_broker
