"""Who may bring files of an export to a service: staff, and nobody else."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.chassis.postgres import Pool
from services.sites.app import SITES
from tests.component.permission.callers import Who, open_door
from tests.component.permission.walk import NO_TOKEN, NOT_ALLOWED, UNKNOWN
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

STAGED, UNKNOWN_KIND, WRONG_FILE = 201, 404, 422
FILE = b"container_number,site_number,fraction,litres,count\n"


async def test_only_staff_stage_files(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with open_door(SITES, url, pool, clock, tmp_path) as door:
        outcomes = {who: str(await door.upload(who, "containers", FILE)) for who in Who}
    expected = {**dict.fromkeys(Who, NOT_ALLOWED), **dict.fromkeys(UNKNOWN, NO_TOKEN), Who.STAFF: str(STAGED)}
    assert outcomes == expected
    assert await pool.fetchval("SELECT count(*) FROM chassis.imports") == 1


@pytest.mark.parametrize(
    ("kind", "file", "status"),
    [
        ("elephants", FILE, UNKNOWN_KIND),
        ("containers", b"", WRONG_FILE),
        ("containers", b"container_number,litres\n", WRONG_FILE),
        ("containers", FILE.replace(b"count", b"count,colour"), WRONG_FILE),
        ("containers", b"\xff\xfe\x00", WRONG_FILE),
    ],
)
async def test_a_file_that_is_not_of_its_kind_is_refused_whole(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
    kind: str,
    file: bytes,
    status: int,
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with open_door(SITES, url, pool, clock, tmp_path) as door:
        assert await door.upload(Who.STAFF, kind, file) == status
    assert await pool.fetchval("SELECT count(*) FROM chassis.imports") == 0
