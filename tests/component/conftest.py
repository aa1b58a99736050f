"""A service of the permission walk, served for a test."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.chassis.db.postgres import Pool
from tests.component.permission.callers import ServiceEndpoint
from tests.component.permission.walk import Example
from tests.component.permission.walked_service import WalkedService
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

ServeWalked = Callable[[WalkedService], AbstractAsyncContextManager[tuple[ServiceEndpoint, dict[str, Example]]]]


@pytest.fixture
def serve_walked(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> ServeWalked:
    """Serve a service on a database of its own, with an example of each operation."""
    return lambda walked: walked.serve(make_database, open_pool, clock, tmp_path)
