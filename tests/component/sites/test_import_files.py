"""Files of imports: kept whole or not at all, staged in one COPY, and followed by a file of their bad rows."""

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
from services.chassis.files.file_rows import FileRow
from services.chassis.files.store import FileStore, StoreUnavailable
from services.chassis.files.upload import FileUploads
from services.chassis.ids import read_id
from services.chassis.imports import importer
from services.chassis.imports.finisher import ImportFinisher
from services.chassis.imports.stager import StageImport
from services.chassis.jobs.job import JobRun, RunAgain
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.sites import Sites
from services.hosting import file_resource
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.permission.callers import CallerCase, ServiceEndpoint, serve_service
from tests.component.sites.test_import_sites import Harness
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase, MakeHarness
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness

HEADER = b"container_number,site_number,fraction,litres,count\n"
LARGE = (b"C1,50,RESIDUAL,660," + b" " * 380 + b"1\n") * 20_000
NEVER_STOPS = JobRun(1, asyncio.Event())


@pytest.fixture
async def endpoint(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> AsyncIterator[ServiceEndpoint]:
    url = await make_database(SITES)
    async with serve_service(SITES, url, await open_pool(url), clock, tmp_path) as endpoint:
        yield endpoint


@pytest.fixture
async def harness(make_harness: MakeHarness[SitesTransaction, Sites]) -> Harness:
    return await make_harness(SITES)


async def kept(pool: Pool) -> int:
    """Return the number of imports, of their rows, and of their files."""
    tables = " + ".join(f"(SELECT count(*) FROM chassis.{one})" for one in ("imports", "import_rows", "files"))
    return int(await pool.fetchval(f"SELECT {tables}"))


def objects(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]


async def test_an_incomplete_file_leaves_nothing(endpoint: ServiceEndpoint, tmp_path: Path) -> None:
    """It is streamed into the store until then."""

    async def written() -> list[Path]:
        return objects(tmp_path / "files")

    async def breaks_off() -> AsyncIterator[bytes]:
        yield HEADER
        yield LARGE
        await until(written)
        raise ConnectionError

    with pytest.raises((ConnectionError, aiohttp.ClientError)):
        await endpoint.upload(CallerCase.STAFF, "containers", breaks_off())
    await until(written, lambda paths: not paths)
    assert await kept(endpoint.runtime.pool) == 0


async def test_a_line_without_end_is_refused_and_leaves_nothing(endpoint: ServiceEndpoint, tmp_path: Path) -> None:
    assert await endpoint.upload(CallerCase.STAFF, "containers", iterate_chunks(HEADER, LARGE, b"x" * 100_000)) == 422
    assert (await kept(endpoint.runtime.pool), objects(tmp_path / "files")) == (0, [])


async def test_a_too_large_file_leaves_nothing(
    endpoint: ServiceEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "MAX_FILE_BYTES", 1_000_000)
    assert await endpoint.upload(CallerCase.STAFF, "containers", iterate_chunks(HEADER, LARGE)) == 413
    assert (await kept(endpoint.runtime.pool), objects(tmp_path / "files")) == (0, [])


async def test_uploads_are_limited_and_hold_no_connection_to_the_database(
    endpoint: ServiceEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, begun, begin = asyncio.Event(), list[str](), FileUploads.begin_upload

    async def counted(self: FileUploads, content: AsyncIterator[bytes], **given: Any) -> FileRow:
        begun.append(given["name"])
        return await begin(self, content, **given)

    monkeypatch.setattr(FileUploads, "begin_upload", counted)

    async def slow() -> AsyncIterator[bytes]:
        yield HEADER
        await release.wait()

    async def number() -> int:
        return len(begun)

    limit = file_resource.MAX_CONCURRENT_UPLOADS
    async with asyncio.TaskGroup() as group:
        uploads = [group.create_task(endpoint.upload(CallerCase.STAFF, "containers", slow())) for _ in range(limit)]
        await until(number, lambda count: count == limit)
        assert await endpoint.upload(CallerCase.STAFF, "containers", HEADER) == 503
        assert endpoint.runtime.pool.get_size() == endpoint.runtime.pool.get_idle_size()
        release.set()
    assert [one.result() for one in uploads] == [201] * limit
    assert await endpoint.upload(CallerCase.STAFF, "containers", HEADER) == 201


@pytest.mark.parametrize(
    ("content", "name", "status", "problem"),
    [
        (b"%PDF-1.7 ...", "c.csv", 422, "MISSING_COLUMNS"),
        (b"", "c.csv", 422, "MISSING_COLUMNS"),
        (HEADER, "", 400, "REQUIRED"),
        (HEADER, "a/b.csv", 400, "CHARACTERS"),
        (HEADER, "x" * 201, 400, "TOO_LONG"),
    ],
)
async def test_a_refusal_says_what_is_wrong(
    endpoint: ServiceEndpoint, content: bytes, name: str, status: int, problem: str
) -> None:
    headers = {"Content-Type": "text/csv", **endpoint.headers(CallerCase.STAFF)}
    url = f"{endpoint.url}/files/import-containers"
    async with endpoint._session.post(url, params={"name": name}, data=content, headers=headers) as response:
        assert response.content_type == "application/problem+json"
        found = await response.json()
    assert (response.status, found["params"]["reason"]) == (status, problem)
    assert found.get("path", []) == (["name"] if status == 400 else [])


async def test_a_store_that_does_not_answer_is_told(endpoint: ServiceEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise StoreUnavailable("no route to host")

    monkeypatch.setattr(FileStore, "write", fails)
    assert await endpoint.upload(CallerCase.STAFF, "containers", HEADER) == 503


async def test_the_uploaded_file_can_be_downloaded_again(endpoint: ServiceEndpoint) -> None:
    file = HEADER + b"C1,50,RESIDUAL,660,\xe4\n"  # as it came, also where it is not UTF-8
    uploaded = await endpoint.runtime.imports.upload("containers", "jäte.csv", iterate_chunks(file))
    assert (uploaded.state, uploaded.total, uploaded.done) == (BulkOperationState.STAGED, 1, 0)
    assert uploaded.file is not None
    path = uploaded.file.url.replace("/files/sites/", "/files/")
    assert await endpoint.download(CallerCase.ANONYMOUS, path) == (200, file)
    fields = await endpoint.fields(CallerCase.ANONYMOUS, path)
    expected = {
        "Content-Type": "text/csv",
        "Content-Length": str(len(file)),
        "Content-Disposition": "attachment; filename=\"j_te.csv\"; filename*=UTF-8''j%C3%A4te.csv",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    assert {name: fields[name] for name in expected} == expected
    assert len(fields.getall("X-Content-Type-Options")) == 1  # type: ignore[attr-defined]


async def start(harness: Harness, rows: bytes, name: str = "containers.csv") -> str:
    """Upload a file, start its import, and return its id."""
    uploaded = await harness.imports.upload("containers", name, iterate_chunks(HEADER + rows))
    await harness.imports.start(uploaded.id, Language.FI)
    return uploaded.id


@pytest.mark.parametrize("rows", [0, 1, 1000, 2500])
async def test_every_bad_row_comes_once_in_the_order_of_the_file(harness: Harness, rows: int) -> None:
    await start(harness, b"1,too few\n" * 3)
    import_id = await start(harness, b"".join(b"%d,too few\n" % number for number in range(rows)))
    await harness.run_import(import_id)
    (done,) = await harness.imports.queries.imports_by_id([import_id])
    assert done is not None
    assert (done.state, done.failed) == (BulkOperationState.DONE, rows)
    if not rows:
        assert done.bad_rows_file is None
        return
    text = await harness.read_file(done.bad_rows_file)
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["line", "field", "code", "reason"]
    assert [int(line) for line, *_ in lines] == list(range(2, rows + 2))
    assert {tuple(rest) for _, *rest in lines} == {
        ("", "WRONG_CELL_COUNT", "Rivillä on 2 solua, ensimmäisellä rivillä 5.")
    }
    assert text.count("\r\n") == rows + 1


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("containers.csv", "containers-bad-rows.csv"),
        ("jäte.2026.csv", "jäte.2026-bad-rows.csv"),
        ("x" * 200, "x" * 180 + "-bad-rows.csv"),
    ],
)
async def test_the_file_of_bad_rows_is_named_after_its_import(harness: Harness, name: str, saved: str) -> None:
    import_id = await start(harness, b"1,too few\n", name)
    await harness.run_import(import_id)
    (done,) = await harness.imports.queries.imports_by_id([import_id])
    assert done is not None
    assert done.bad_rows_file is not None
    assert done.bad_rows_file.name == saved


async def test_an_import_that_fails_has_a_file_of_the_bad_rows_until_then(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> int:
        raise ValueError("the program is wrong")

    import_id = await start(harness, b"1,too few\nC1,50,RESIDUAL,660,1\n")
    monkeypatch.setattr(harness.imports.runner, "_apply", fails)
    await harness.run_import(import_id)
    (failed,) = await harness.imports.queries.imports_by_id([import_id])
    assert failed is not None
    assert failed.state is BulkOperationState.FAILED
    assert (await harness.read_file(failed.bad_rows_file)).count("WRONG_CELL_COUNT") == 1


async def test_a_run_that_ends_before_its_mark_is_repeated(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = await start(harness, b"1,too few\n")
    write = ImportFinisher._write_bad_rows

    async def killed(self: ImportFinisher, *given: Any) -> None:
        await write(self, *given)
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(ImportFinisher, "_write_bad_rows", killed)
        await harness.run_import(import_id)
    await harness.run_import(import_id)
    await harness.run_import(import_id)
    states = await harness.pool.fetch("SELECT state FROM chassis.files WHERE name LIKE '%bad-rows%' ORDER BY state")
    assert [row["state"] for row in states] == ["kept", "pending"]
    (done,) = await harness.imports.queries.imports_by_id([import_id])
    assert done is not None
    assert (await harness.read_file(done.bad_rows_file)).count("WRONG_CELL_COUNT") == 1


async def test_a_stopping_process_stages_nothing_of_a_file_and_the_next_one_all(harness: Harness) -> None:
    import_id = await start(harness, LARGE)
    stopping = asyncio.Event()
    stopping.set()
    job = StageImport(import_id=read_id("import_sites", import_id))
    with pytest.raises(RunAgain):
        await harness.imports.stager.stage(job, JobRun(1, stopping))
    count = "SELECT count(*) FROM chassis.import_rows"
    assert await harness.pool.fetchval(count) == 0
    for _ in range(2):
        await harness.imports.stager.stage(job, NEVER_STOPS)
        assert await harness.pool.fetchval(count) == 20_000


async def test_staging_may_exceed_the_timeout_of_statements(
    make_database: MakeDatabase, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await make_database(SITES)
    async with asyncpg.create_pool(url, command_timeout=3, min_size=1, init=postgres._configure) as pool:
        harness: Harness = ServiceHarness(SITES, pool, clock)
        import_id = await start(harness, b"")
        ends = time.monotonic() + 4

        async def slowly(*_: object) -> AsyncIterator[bytes]:
            async def chunks() -> AsyncIterator[bytes]:
                yield HEADER
                while time.monotonic() < ends:
                    yield b"C1,50,RESIDUAL,660,1\n" * 1000

            return chunks()

        monkeypatch.setattr(FileStore, "read", slowly)
        await harness.imports.stager.stage(StageImport(import_id=read_id("import_sites", import_id)), NEVER_STOPS)
        (staged,) = await harness.imports.queries.imports_by_id([import_id])
        assert staged is not None
        assert staged.total == await pool.fetchval("SELECT count(*) FROM chassis.import_rows") > 0


async def test_an_import_whose_file_has_expired_fails(harness: Harness, clock: TestClock) -> None:
    uploaded = await harness.imports.upload("containers", "c.csv", iterate_chunks(HEADER))
    clock.move(days=30)
    (expired,) = await harness.imports.queries.imports_by_id([uploaded.id])
    assert expired is not None
    assert expired.file is None
    await harness.imports.start(uploaded.id, Language.FI)
    await harness.run_import(uploaded.id)
    (failed,) = await harness.imports.queries.imports_by_id([uploaded.id])
    assert failed is not None
    assert failed.state is BulkOperationState.FAILED
