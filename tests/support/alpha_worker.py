"""A worker of Alpha in a process of its own: ``python -m tests.support.alpha_worker NAME URL KAFKA SLOT``."""

import asyncio
import contextlib
import datetime as dt
import signal
import sys
from collections.abc import AsyncIterator

from services.chassis.db import postgres
from services.chassis.telemetry import logging
from tests.support.alpha import Alpha
from tests.support.clock import TestClock
from tests.support.servers import ROOT, Servers


@contextlib.asynccontextmanager
async def worker(alpha: Alpha, slot: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker process for the length of a block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tests.support.alpha_worker"),
        *(alpha.name, alpha.url, alpha.servers.kafka, str(slot)),
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            await process.wait()


async def main(name: str, url: str, kafka: str, slot: int) -> None:
    """Consume until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await postgres.open_pool(url, name=f"worker {slot}", size=5)
    clock = TestClock(dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC))
    alpha = Alpha(Servers("", kafka, ""), url, pool, clock, name)
    await alpha.consumer(slot=slot).run(stop)
    await pool.close()


if __name__ == "__main__":
    logging.configure(f"alpha-worker-{sys.argv[4]}")
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
