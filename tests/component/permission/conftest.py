"""The check of a service against its permission matrix, on a database of its own."""

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
    """Insert rows of two organisations, then call every operation as every caller."""

    async def check(
        blueprint: Blueprint[Any, Any],
        insert_rows: InsertRows,
        cases: Mapping[str, Case],
        belongings: list[str],
        foreign: list[str],
        signs: Mapping[str, str] | None = None,
    ) -> list[str]:
        url = await make_database(blueprint)
        pool = await open_pool(url)
        await insert_rows(pool)
        async with serve_service(blueprint, url, pool, clock, tmp_path) as endpoint:
            return await check_matrix(endpoint, blueprint.contract, cases, belongings, foreign, signs)

    return check
