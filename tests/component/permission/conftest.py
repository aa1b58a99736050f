"""The walk through one service, on a database of its own."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.access.assembly import Blueprint
from services.chassis.postgres import Pool
from tests.component.permission.callers import open_door
from tests.component.permission.walk import Case, walk
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

Furnish = Callable[[Pool], Awaitable[None]]
Walk = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def the_walk(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> Walk:
    """Furnish a service with rows of two organisations, then call everything as everyone."""

    async def go(
        blueprint: Blueprint[Any, Any],
        furnish: Furnish,
        cases: Mapping[str, Case],
        belongings: list[str],
        foreign: list[str],
        signs: Mapping[str, str] | None = None,
    ) -> list[str]:
        url = await make_database(blueprint)
        pool = await open_pool(url)
        await furnish(pool)
        async with open_door(blueprint, url, pool, clock, tmp_path) as door:
            return await walk(door, blueprint.contract, cases, belongings, foreign, signs)

    return go
