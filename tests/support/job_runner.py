"""Runners of jobs for the length of a block, as processes of the role ``jobs`` have them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from services.chassis.db.postgres import Pool
from services.chassis.jobs.job import AnyJobHandler
from services.chassis.jobs.runner import JobRunner


@contextlib.asynccontextmanager
async def running_jobs(pool: Pool, *handlers: AnyJobHandler, runners: int = 1) -> AsyncIterator[None]:
    """Run jobs until the end of the block; present ones are finished."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(JobRunner(pool, handlers).run(stop)) for _ in range(runners)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
