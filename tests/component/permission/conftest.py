"""The walk through one service, on a database of its own."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.chassis.db.postgres import Pool
from services.hosting.blueprint import Blueprint
from tests.component.permission.callers import serve_service
from tests.component.permission.matrix import Case, check_matrix
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

InsertRows = Callable[[Pool], Awaitable[None]]
CheckPermissions = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def check_permissions(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> CheckPermissions:
    """Furnish a service with rows of two organisations, then call everything as everyone."""

    async def go(
        blueprint: Blueprint[Any, Any],
        furnish: InsertRows,
        cases: Mapping[str, Case],
        belongings: list[str],
        foreign: list[str],
        signs: Mapping[str, str] | None = None,
    ) -> list[str]:
        url = await make_database(blueprint)
        pool = await open_pool(url)
        await furnish(pool)
        async with serve_service(blueprint, url, pool, clock, tmp_path) as door:
            return await check_matrix(door, blueprint.contract, cases, belongings, foreign, signs)

    return go
