"""The sweep deletes pending files after a day and expired ones, and rests when the database may have been restored."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

from services.chassis.files.storage import SweepFiles
from services.chassis.ids import new_uuid
from services.chassis.jobs.job import JobRun
from tests.integration.chassis.files.conftest import FOLDER_ALONE, Files
from tests.support.clock import TestClock
from tests.support.job_runner import running_jobs
from tests.support.polling import until

pytestmark = FOLDER_ALONE

DAY_S = 24 * 3600


async def sweep(files: Files) -> None:
    await files.storage.sweep(SweepFiles(), JobRun(1, asyncio.Event()))


async def age(files: Files, *ids: uuid.UUID, seconds: float = DAY_S + 60) -> None:
    """Make pending files older, both the rows and the bytes."""
    written = time.time() - seconds
    for file_id in ids:
        os.utime(files.folder / "pending" / str(file_id), (written, written))
    await files.alpha.pool.execute(
        "UPDATE chassis.files SET created_at = created_at - make_interval(secs => $2) WHERE id = ANY($1)", ids, seconds
    )


async def test_pending_files_are_deleted_after_a_day(files: Files) -> None:
    old, new, kept = [await files.upload() for _ in range(3)]
    await files.keep(kept)
    orphan = new_uuid()
    (files.folder / "pending" / str(orphan)).write_bytes(b"of a process that died before it wrote the row")
    (files.folder / "pending" / ".DS_Store").write_bytes(b"of another program")
    await age(files, old.id, kept.id, orphan)
    await age(files, new.id, seconds=DAY_S - 60)
    await sweep(files)
    assert files.objects() == sorted(["pending/.DS_Store", f"pending/{new.id}", f"pending/{kept.id}"])
    assert await files.states() == ["pending", "kept"]
    await sweep(files)
    assert len(files.objects()) == 3


@pytest.mark.parametrize(
    "cause",
    [
        "UPDATE chassis.leader SET generation = gen_random_uuid()",
        "UPDATE chassis.file_sweep SET swept_at = swept_at - interval '181 minutes'",
    ],
    ids=["a new generation", "a gap"],
)
async def test_the_sweep_rests_for_seven_days_after_what_may_be_a_restore(files: Files, cause: str) -> None:
    old = await files.upload()
    await age(files, old.id)
    await files.alpha.pool.execute(cause)
    await sweep(files)
    for days in (0, 6.9):
        await files.alpha.pool.execute(
            "UPDATE chassis.file_sweep SET since = clock_timestamp() - make_interval(secs => $1)", days * DAY_S
        )
        await sweep(files)
        assert files.objects() == [f"pending/{old.id}"]
        assert await files.states() == ["pending"]
    await files.alpha.pool.execute("UPDATE chassis.file_sweep SET since = since - interval '3 hours'")
    await sweep(files)
    assert files.objects() == []
    assert await files.states() == []


async def test_what_a_killed_upload_left_is_deleted_after_a_day(files: Files) -> None:
    command = [sys.executable, "-m", "tests.integration.chassis.files.killed_upload", files.url]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (unfinished,) = files.objects()
    await sweep(files)
    assert files.objects() == [unfinished]
    written = time.time() - DAY_S - 60
    os.utime(files.folder / unfinished, (written, written))
    await sweep(files)
    assert files.objects() == []


async def test_an_empty_store_is_swept(files: Files) -> None:
    await sweep(files)
    assert files.objects() == []


async def test_files_are_deleted_when_they_expire(files: Files, clock: TestClock) -> None:
    expiring, later, forever = [await files.upload() for _ in range(3)]
    await files.keep(expiring, expires_at=clock.now() + dt.timedelta(days=30))
    await files.keep(later, expires_at=clock.now() + dt.timedelta(days=31))
    await files.keep(forever)
    clock.move(days=30, seconds=1)
    async with running_jobs(files.alpha.pool, *files.storage.job_handlers()):
        await sweep(files)
        await until(files.queued, lambda names: names == [])
    assert files.objects() == sorted(f"kept/{one.id}" for one in (later, forever))
    assert await files.states() == ["kept", "kept"]
