"""A process that ends while a thread of the store reads ahead.

``python -m tests.integration.chassis.files.half_read STORE_URL``.
"""

import asyncio
import sys

from services.chassis.files.store import FileStore
from services.chassis.ids import new_uuid
from services.chassis.process import end
from tests.integration.chassis.files.contents import lines


async def _main(url: str) -> None:
    store, file_id = FileStore.open(url), new_uuid()
    await store.write(file_id, lines(320))
    await anext(await store.read(file_id))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
    end(0)
