"""A process that writes a large file to a store, reads it again, and prints the growth of its memory in MiB.

``python -m tests.integration.chassis.files.large_file DATABASE_URL STORE_URL MIB``.
"""

import asyncio
import os
import resource
import sys

from services.chassis.db import postgres
from services.chassis.files.media_type import MediaType
from services.chassis.files.store import FileStore
from services.chassis.files.upload import FileUploads
from tests.integration.chassis.files.contents import lines

_UNIT = 1024 if sys.platform == "linux" else 1024 * 1024  # of a resident set in MiB, in what getrusage returns


async def _main(url: str, store_url: str, mib: int) -> None:
    pool = await postgres.open_pool(url, name="large", size=2)
    store = FileStore.open(store_url)
    uploads = FileUploads(pool, store)

    async def transfer(chunks: int) -> int:
        row = await uploads.begin_upload(
            lines(chunks), owner="thing_1", name="x", accepted={MediaType.TEXT}, max_bytes=chunks << 16
        )
        return sum([len(chunk) async for chunk in await store.read(row.id)])

    await transfer(16)  # loads everything
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = await transfer(16 * mib)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert read == mib << 20
    await pool.close()
    print(grown // _UNIT)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    sys.stdout.flush()
    os._exit(0)  # a thread of obstore that is still running while Python ends aborts the process
