"""Uploading files of an export and downloading their bad rows: for staff only."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.chassis.db.postgres import Pool
from services.sites.app import SITES
from tests.component.permission.callers import CallerCase, serve_service
from tests.component.permission.walk import NO_TOKEN, NOT_ALLOWED, UNKNOWN
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

STAGED, UNKNOWN_KIND, WRONG_TYPE, WRONG_FILE = 201, 404, 415, 422
NO_IMPORT = "import_x_01h455vb4pex5vsknk084sn02q"
FILE = b"container_number,site_number,fraction,litres,count\n"


async def test_only_staff_stage_files(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        outcomes = {who: str(await endpoint.upload(who, "containers", FILE)) for who in CallerCase}
    expected = {
        **dict.fromkeys(CallerCase, NOT_ALLOWED),
        **dict.fromkeys(UNKNOWN, NO_TOKEN),
        CallerCase.STAFF: str(STAGED),
    }
    assert outcomes == expected
    assert await pool.fetchval("SELECT count(*) FROM chassis.imports") == 1


async def test_only_staff_download_bad_rows(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        staged = await endpoint.runtime.imports.stage(
            "containers", "containers.csv", iterate_chunks(FILE + b"one,cell,too,few\n")
        )
        answers = {who: await endpoint.download(who, f"/imports/{staged.id}/bad-rows") for who in CallerCase}
        other = [
            await endpoint.download(CallerCase.STAFF, f"/imports/{one}/bad-rows")
            for one in (NO_IMPORT, "import_sites_x", "x")
        ]
    outcomes = {who: str(status) for who, (status, _) in answers.items()}
    expected = {**dict.fromkeys(CallerCase, NOT_ALLOWED), **dict.fromkeys(UNKNOWN, NO_TOKEN), CallerCase.STAFF: "200"}
    assert outcomes == expected
    assert [who for who, (_, text) in answers.items() if b"WRONG_CELL_COUNT" in text] == [CallerCase.STAFF]
    assert [status for status, _ in other] == [404, 404, 404]


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream"])
async def test_a_file_of_another_type_is_refused(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
    content_type: str,
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        assert await endpoint.upload(CallerCase.STAFF, "containers", FILE, content_type) == WRONG_TYPE
        assert await endpoint.upload(CallerCase.STAFF, "containers", FILE, "Text/CSV; charset=utf-8") == STAGED


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
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        assert await endpoint.upload(CallerCase.STAFF, kind, file) == status
    assert await pool.fetchval("SELECT count(*) FROM chassis.imports") == 0
