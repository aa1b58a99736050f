"""A process that kills itself (SIGKILL) at one place of an import: when its file is ``uploaded`` and not kept, or when
that of its bad rows is ``written`` and not kept.

``python -m tests.component.sites.killed_import DATABASE_URL STORE_URL PLACE``.
"""

import asyncio
import datetime as dt
import os
import signal
import sys

from services.chassis.db import postgres
from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import Transaction
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.store import FileStore
from services.contracts.identity.people import Language
from services.sites.app import SITES
from tests.component.sites.test_import_sites import Harness
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.service_harness import ServiceHarness

FILE = b"container_number,site_number,fraction,litres,count\n1,too few\n"


def harness_with_store(pool: Pool, store_url: str, clock: TestClock) -> Harness:
    harness: Harness = ServiceHarness(SITES, pool, clock)
    harness.files = ServiceFiles("sites", pool, FileStore.open(store_url), bytes(32), clock)
    return harness


async def _main(url: str, store_url: str, place: str) -> None:
    pool = await postgres.open_pool(url, name="killed", size=3)
    harness = harness_with_store(pool, store_url, TestClock(dt.datetime.now(dt.UTC)))

    async def kill(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if place == "uploaded":
        Transaction.keep_file = kill  # type: ignore[method-assign]
    uploaded = await harness.imports.upload("containers", "c.csv", iterate_chunks(FILE))
    await harness.imports.start(uploaded.id, Language.EN)
    Transaction.keep_file = kill  # type: ignore[method-assign]
    await harness.run_import(uploaded.id)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
