"""SIGKILL between the commit of a file's row and the end of its move: the file is kept and moved all the same."""

import signal
import subprocess
import sys

import pytest

from tests.integration.chassis.files.conftest import FOLDER_ALONE, TEXT, Files
from tests.support.job_runner import running_jobs
from tests.support.polling import until

pytestmark = FOLDER_ALONE


@pytest.mark.parametrize("place", ["commit", "before", "after"])
async def test_a_killed_process_loses_no_file(files: Files, place: str) -> None:
    row = await files.upload()
    killed = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.chassis.files.killed_process"),
            *(files.alpha.url, files.url, str(row.id), files.owner, place),
        ],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert files.objects() == [f"kept/{row.id}" if place == "after" else f"pending/{row.id}"]
    assert await files.queued() == ["move-file"]
    assert await files.read(row.id) == TEXT
    # The heartbeats of the killed process end now, and not seconds later.
    await files.alpha.pool.execute("UPDATE chassis.pgqueuer SET heartbeat = '-infinity' WHERE status = 'picked'")
    async with running_jobs(files.alpha.pool, *files.storage.job_handlers()):
        await until(files.queued, lambda names: names == [])
    assert files.objects() == [f"kept/{row.id}"]
    assert await files.read(row.id) == TEXT
