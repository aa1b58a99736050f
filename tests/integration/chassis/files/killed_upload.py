"""A process that kills itself (SIGKILL) while it writes a file: ``python -m tests....killed_upload STORE_URL``."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from services.chassis.files.store import PART_BYTES, FileStore
from services.chassis.ids import new_uuid
from tests.support.polling import until


async def _main(url: str) -> None:
    folder = Path(url.removeprefix("file://"))

    async def objects() -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]

    async def content() -> AsyncIterator[bytes]:
        yield bytes(2 * PART_BYTES)
        await until(objects)
        os.kill(os.getpid(), signal.SIGKILL)

    await FileStore.open(url).write(new_uuid(), content())


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
