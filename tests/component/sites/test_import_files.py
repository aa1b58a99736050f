"""Files of imports over HTTP: uploads are kept whole or not at all, and bad rows are downloaded in order."""

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from services.chassis.db import postgres
from services.chassis.db.postgres import Pool
from services.chassis.imports.importer import FileImporter
from services.hosting import upload
from services.sites.app import SITES
from tests.component.permission.callers import CallerCase, ServiceEndpoint, serve_service
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.polling import until

HEADER = b"container_number,site_number,fraction,litres,count\n"
LARGE = b"C1,50,RESIDUAL,660,1\n" * 200_000


@pytest.fixture
async def endpoint(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> AsyncIterator[ServiceEndpoint]:
    url = await make_database(SITES)
    async with serve_service(SITES, url, await open_pool(url), clock, tmp_path) as endpoint:
        yield endpoint


async def staged_rows(endpoint: ServiceEndpoint) -> int:
    """Return the number of rows of all files."""
    rows = await endpoint.runtime.pool.fetchval(
        "SELECT (SELECT count(*) FROM chassis.imports) + (SELECT count(*) FROM chassis.import_rows)"
    )
    return int(rows)


_COPIED_ROWS = """
    SELECT coalesce(max(tuples_processed), 0) FROM pg_stat_progress_copy WHERE datname = current_database()
"""


async def rows_in_progress(endpoint: ServiceEndpoint) -> int:
    """Return the number of rows that the database has copied of a running upload."""
    return int(await endpoint.runtime.pool.fetchval(_COPIED_ROWS))


async def test_an_incomplete_file_leaves_nothing(endpoint: ServiceEndpoint) -> None:
    """It is streamed into the database until then."""
    copied = 0

    async def breaks_off() -> AsyncIterator[bytes]:
        nonlocal copied
        yield HEADER
        yield LARGE
        copied = await until(lambda: rows_in_progress(endpoint))
        raise ConnectionError

    with pytest.raises((ConnectionError, aiohttp.ClientError)):
        await endpoint.upload(CallerCase.STAFF, "containers", breaks_off())
    await until(lambda: rows_in_progress(endpoint), lambda rows: rows == 0)
    assert copied
    assert await staged_rows(endpoint) == 0


async def test_an_upload_may_exceed_the_timeout_of_statements(
    endpoint: ServiceEndpoint, make_database: MakeDatabase
) -> None:
    url = await make_database(SITES)
    async with asyncpg.create_pool(url, command_timeout=1, min_size=1, init=postgres._configure) as pool:
        imports = FileImporter("sites", pool, endpoint.runtime.work, SITES.imports(endpoint.runtime))
        ends = time.monotonic() + 1.5

        async def file() -> AsyncIterator[bytes]:
            yield HEADER
            while time.monotonic() < ends:
                yield b"C1,50,RESIDUAL,660,1\n" * 1000

        staged = await imports.stage("containers", "containers.csv", file())
        assert staged.total % 1000 == 0
        assert staged.total == await pool.fetchval("SELECT count(*) FROM chassis.import_rows")


async def test_a_line_without_end_is_refused_and_leaves_nothing(endpoint: ServiceEndpoint) -> None:
    assert await endpoint.upload(CallerCase.STAFF, "containers", iterate_chunks(HEADER, LARGE, b"x" * 100_000)) == 422
    assert await staged_rows(endpoint) == 0


async def test_slow_uploads_leave_connections_to_other_requests(endpoint: ServiceEndpoint) -> None:
    """Each upload holds a connection to the database."""
    release = asyncio.Event()
    in_progress = "SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()"

    async def slow() -> AsyncIterator[bytes]:
        yield HEADER
        await release.wait()

    async with asyncio.TaskGroup() as group:
        uploads = [
            group.create_task(endpoint.upload(CallerCase.STAFF, "containers", slow()))
            for _ in range(upload.MAX_CONCURRENT_UPLOADS)
        ]
        await until(
            lambda: endpoint.runtime.pool.fetchval(in_progress), lambda count: count == upload.MAX_CONCURRENT_UPLOADS
        )
        assert await endpoint.upload(CallerCase.STAFF, "containers", HEADER) == 503
        release.set()
    assert [one.result() for one in uploads] == [201] * upload.MAX_CONCURRENT_UPLOADS
    assert await endpoint.upload(CallerCase.STAFF, "containers", HEADER) == 201


async def test_a_too_large_file_leaves_nothing(endpoint: ServiceEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_FILE_BYTES", 1_000_000)
    assert await endpoint.upload(CallerCase.STAFF, "containers", iterate_chunks(HEADER, LARGE)) == 413
    assert await staged_rows(endpoint) == 0


async def staged(imports: FileImporter[Any], rows: int, name: str = "containers.csv") -> str:
    """Stage an import of bad rows only and return its id."""
    file = HEADER + b"".join(b"%d,too few\n" % number for number in range(rows))
    return (await imports.stage("containers", name, iterate_chunks(file))).id


@pytest.mark.parametrize("rows", [0, 1, 1000, 2500])
async def test_every_bad_row_comes_once_in_the_order_of_the_file(endpoint: ServiceEndpoint, rows: int) -> None:
    other = await staged(endpoint.runtime.imports, 3)
    import_id = await staged(endpoint.runtime.imports, rows)
    assert other != import_id
    status, text = await endpoint.download(CallerCase.STAFF, f"/imports/{import_id}/bad-rows")
    assert status == 200
    header, *lines = csv.reader(io.StringIO(text.decode(), newline=""), strict=True)
    assert header == ["line", "field", "code", "reason"]
    assert [int(line) for line, *_ in lines] == list(range(2, rows + 2))
    assert {tuple(rest) for _, *rest in lines} <= {
        ("", "WRONG_CELL_COUNT", "Rivillä on 2 solua, ensimmäisellä rivillä 5.")
    }
    assert text.count(b"\r\n") == rows + 1


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("containers.csv", 'attachment; filename="containers-bad-rows.csv"'),
        ("jäte\r\n.csv", "attachment; filename=\"j_te__-bad-rows.csv\"; filename*=UTF-8''j%C3%A4te__-bad-rows.csv"),
        ("../../x", 'attachment; filename="x-bad-rows.csv"'),
    ],
)
async def test_the_file_of_bad_rows_is_named_after_its_import(endpoint: ServiceEndpoint, name: str, saved: str) -> None:
    import_id = await staged(endpoint.runtime.imports, 1, name)
    assert (await endpoint.fields(CallerCase.STAFF, f"/imports/{import_id}/bad-rows"))["Content-Disposition"] == saved
