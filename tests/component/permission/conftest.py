"""The permission walk of a service, on a database of its own."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from services.chassis.db.postgres import Pool
from tests.component.permission.walk import check_permissions
from tests.component.permission.walked_service import WalkedService
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

WalkPermissions = Callable[[WalkedService], Awaitable[list[str]]]


@pytest.fixture
def walk_permissions(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> WalkPermissions:
    """Call every operation of a service as every caller, and return the deviations from its permissions."""

    async def walk(walked: WalkedService) -> list[str]:
        async with walked.serve(make_database, open_pool, clock, tmp_path) as (endpoint, examples):
            contract = cast(Any, walked.blueprint.contract)
            return await check_permissions(endpoint, contract, examples, walked.ids, walked.foreign)

    return walk
