"""Process that chains an audit log and stops in the middle of its second batch, for a test that kills it.

``python -m tests.integration.chassis.audit.chain_batches DATABASE_URL`` prints a line when it is there.
"""

import asyncio
import itertools
import sys
import time

from services.chassis.audit import chain, digests
from services.chassis.db import postgres
from services.chassis.db.postgres import Row
from services.chassis.jobs.job import JobRun

_digest_of = digests.row_digest
_numbers = itertools.count(1)


def _stopping(row: Row) -> bytes:
    if next(_numbers) == chain.BATCH_SIZE + 2:
        print("stopped", file=sys.stderr, flush=True)
        time.sleep(3600)
    return _digest_of(row)


async def _main(url: str) -> None:
    pool = await postgres.open_pool(url, name="chaining", size=2)
    await chain.chain_audit(pool, JobRun(1, asyncio.Event()))


if __name__ == "__main__":
    chain.BATCH_SIZE = 3
    digests.row_digest = _stopping
    asyncio.run(_main(sys.argv[1]))
