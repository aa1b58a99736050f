"""SIGKILL between a written file of an import and the transaction that keeps it: nothing is lost or half done."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.chassis.db.postgres import Pool
from services.chassis.files.storage import SweepFiles
from services.chassis.ids import write_id
from services.chassis.jobs.job import JobRun
from services.contracts.bulk_operations import BulkOperationState
from services.sites.app import SITES
from tests.component.sites.killed_import import FILE, harness_with_store
from tests.component.sites.test_import_sites import Harness
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.job_runner import running_jobs
from tests.support.polling import until


@pytest.fixture
async def killed(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Harness:
    """The service after the death of a process at a place of an import."""
    url, store_url = await make_database(SITES), (tmp_path / "files").as_uri()
    command = [sys.executable, "-m", "tests.component.sites.killed_import", url, store_url, request.param]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    return harness_with_store(await open_pool(url), store_url, TestClock(dt.datetime.now(dt.UTC)))


async def states(harness: Harness) -> list[str]:
    return [row["state"] for row in await harness.pool.fetch("SELECT state FROM chassis.files ORDER BY id")]


async def sweep_after_a_day(harness: Harness, folder: Path) -> list[Path]:
    """Move and delete files as the jobs do; return the objects that are left."""
    await harness.pool.execute("UPDATE chassis.files SET created_at = created_at - interval '25 hours'")
    await harness.pool.execute("UPDATE chassis.pgqueuer SET heartbeat = '-infinity' WHERE status = 'picked'")

    async def queued() -> int:
        waiting = "SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint IN ('move-file', 'delete-file')"
        return int(await harness.pool.fetchval(waiting))

    async with running_jobs(harness.pool, *harness.files.storage.job_handlers()):
        await until(queued, lambda number: number == 0)
    for path in (folder / "pending").iterdir():
        os.utime(path, (0, 0))
    await harness.files.storage.sweep(SweepFiles(), JobRun(1, asyncio.Event()))
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("killed", ["uploaded"], indirect=True)
async def test_an_upload_that_is_not_kept_is_swept(killed: Harness, tmp_path: Path) -> None:
    assert await states(killed) == ["pending"]
    assert await killed.pool.fetchval("SELECT count(*) FROM chassis.imports") == 0
    assert await sweep_after_a_day(killed, tmp_path / "files") == []
    assert await states(killed) == []


@pytest.mark.parametrize("killed", ["written"], indirect=True)
async def test_an_import_ends_with_one_file_of_its_bad_rows(killed: Harness, tmp_path: Path) -> None:
    assert await states(killed) == ["kept", "pending"]
    import_id = write_id("import_sites", await killed.pool.fetchval("SELECT id FROM chassis.imports"))
    for _ in range(2):
        await killed.run_import(import_id)
    (found,) = await killed.imports.queries.imports_by_id([import_id])
    assert found is not None
    assert found.state is BulkOperationState.DONE
    assert (await killed.read_file(found.bad_rows_file)).count("WRONG_CELL_COUNT") == 1
    assert await killed.read_file(found.file) == FILE.decode()
    assert await states(killed) == ["kept", "pending", "kept"]
    assert len(await sweep_after_a_day(killed, tmp_path / "files")) == 2
    assert await states(killed) == ["kept", "kept"]
    assert await killed.read_file(found.file) == FILE.decode()
