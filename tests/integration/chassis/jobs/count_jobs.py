"""Jobs that count in the table ``tally``, and a process that runs them, for tests that kill it.

``python -m tests.integration.chassis.jobs.count_jobs DATABASE_URL`` runs the jobs until SIGTERM.
"""

import asyncio
import signal
import sys

from services.chassis.db import postgres
from services.chassis.db.postgres import Pool
from services.chassis.jobs.job import Job, JobHandler, JobRun
from services.chassis.jobs.runner import JobRunner

COUNT = "INSERT INTO tally (thing, number) VALUES ($1, $2)"
_MARK = "INSERT INTO things (id, version) VALUES ($1, 1) ON CONFLICT DO NOTHING RETURNING true"


class Count(Job, frozen=True, kw_only=True, tag="count"):
    """Counts one number once: its mark and its effect are one transaction, its start is counted apart."""

    number: int


def counting(pool: Pool) -> JobHandler[Count]:
    async def run(job: Count, run: JobRun) -> None:
        await pool.execute(COUNT, "started", job.number)
        await asyncio.sleep(0.02)
        async with pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_MARK, str(job.number)):
                await connection.execute(COUNT, "done", job.number)

    return JobHandler(Count, run)


async def _main(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await postgres.open_pool(url, name="counting", size=6)
    await JobRunner(pool, [counting(pool)]).run(stop)
    await pool.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
