"""A process that kills itself (SIGKILL) at one place of the way of a file that is kept.

``python -m tests.integration.chassis.files.killed_process DATABASE_URL STORE_URL FILE_ID OWNER PLACE``: after the
``commit``, or in the job ``before`` or ``after`` its move.
"""

import asyncio
import datetime as dt
import os
import signal
import sys
import uuid

from services.chassis.db import postgres
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.files.file_rows import MoveFile
from services.chassis.files.storage import FileStorage
from services.chassis.files.store import FileStore
from services.chassis.jobs.job import JobHandler, JobRun
from services.chassis.jobs.runner import JobRunner
from tests.support.clock import TestClock


async def _main(url: str, store_url: str, file_id: uuid.UUID, owner: str, place: str) -> None:
    pool = await postgres.open_pool(url, name="killed", size=6)
    clock = TestClock(dt.datetime.now(dt.UTC))
    storage = FileStorage(pool, FileStore.open(store_url), clock)

    async def move(job: MoveFile, run: JobRun) -> None:
        if place == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await storage.move(job, run)
        os.kill(os.getpid(), signal.SIGKILL)

    work: PostgresUnitOfWork[Transaction] = PostgresUnitOfWork(pool, clock, Transaction)
    async with work() as tx:
        await tx.keep_file(file_id, owner=owner, expires_at=None)
    if place == "commit":
        os.kill(os.getpid(), signal.SIGKILL)
    await JobRunner(pool, [JobHandler(MoveFile, move)]).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], uuid.UUID(sys.argv[3]), sys.argv[4], sys.argv[5]))
