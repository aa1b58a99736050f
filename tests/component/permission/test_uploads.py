"""Uploads of files of an export, for staff only, and downloads of them, for bearers of their links."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.chassis.db.postgres import Pool
from services.chassis.files.download_token import DownloadTokens
from services.chassis.ids import new_uuid, read_id
from services.sites.app import SITES
from tests.component.permission.callers import CallerCase, serve_service
from tests.component.permission.walk import NO_TOKEN, NOT_ALLOWED, UNKNOWN
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

KEPT, UNKNOWN_KIND, WRONG_TYPE, WRONG_FILE = 201, 404, 415, 422
FILE = b"container_number,site_number,fraction,litres,count\n"


async def test_only_staff_upload_files(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        outcomes = {who: str(await endpoint.upload(who, "containers", FILE)) for who in CallerCase}
    expected = {
        **dict.fromkeys(CallerCase, NOT_ALLOWED),
        **dict.fromkeys(UNKNOWN, NO_TOKEN),
        CallerCase.STAFF: str(KEPT),
    }
    assert outcomes == expected
    assert await pool.fetchval("SELECT count(*) FROM chassis.imports") == 1


async def test_a_file_is_for_the_bearer_of_its_link(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        paths, tokens = list[str](), list[str]()
        for _ in range(2):
            uploaded = await endpoint.runtime.imports.upload("containers", "containers.csv", iterate_chunks(FILE))
            assert uploaded.file is not None
            path, _, token = uploaded.file.url.replace("/files/sites/", "/files/").partition("?token=")
            paths.append(path)
            tokens.append(token)
        foreign = DownloadTokens("sites", bytes(range(32)), clock).link(new_uuid(), "", 1).url.partition("?token=")[2]
        for who in CallerCase:
            assert await endpoint.download(who, f"{paths[0]}?token={tokens[0]}") == (200, FILE)
            for token in ("", "?token=", "?token=x.y.z", f"?token={tokens[1]}", f"?token={foreign}"):
                status, problem = await endpoint.download(who, paths[0] + token)
                assert (status, b"INVALID_LINK" in problem) == (403, True)
        clock.move(minutes=5)
        status, _ = await endpoint.download(CallerCase.STAFF, f"{paths[0]}?token={tokens[0]}")
        assert status == 403
        clock.move(days=31)
        expired = endpoint.runtime.files.tokens.link(read_id("file", paths[0].rpartition("/")[2]), "", 1)
        status, problem = await endpoint.download(CallerCase.STAFF, expired.url.replace("/files/sites/", "/files/"))
        assert (status, b"NOT_FOUND" in problem) == (404, True)


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
        assert await endpoint.upload(CallerCase.STAFF, "containers", FILE, "Text/CSV; charset=utf-8") == KEPT


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
