"""A store of files in a folder, beside a service's database."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from services.chassis.files.file_rows import FileRow
from services.chassis.files.media_type import MediaType
from services.chassis.files.storage import FileStorage
from services.chassis.files.store import FileStore
from services.chassis.files.upload import FileUploads
from services.chassis.ids import new_uuid, write_id
from tests.integration.chassis.files.contents import stream
from tests.support.alpha import Alpha
from tests.support.clock import TestClock

TEXT = b"site_number;street\n50;Koivukatu 1\n"


class Files:
    """The files of one service: uploads, storage, and what lies in its folder."""

    def __init__(self, alpha: Alpha, folder: Path, clock: TestClock) -> None:
        self.alpha = alpha
        self.folder = folder
        self.url = f"file://{folder}"
        self.owner = write_id("thing", new_uuid())
        store = FileStore.open(self.url)
        self.uploads = FileUploads(alpha.pool, store)
        self.storage = FileStorage(alpha.pool, store, clock)

    async def upload(self, content: bytes = TEXT, **changed: Any) -> FileRow:
        values: dict[str, Any] = {
            "owner": self.owner,
            "name": "x.csv",
            "accepted": set(MediaType),
            "max_bytes": 1_000_000,
        }
        return await self.uploads.begin_upload(stream(content), **(values | changed))

    async def keep(self, row: FileRow, **changed: Any) -> None:
        async with self.alpha.work() as tx:
            await tx.keep_file(row.id, **({"owner": self.owner, "expires_at": None} | changed))

    async def read(self, file_id: uuid.UUID) -> bytes:
        return b"".join([chunk async for chunk in (await self.storage.open(file_id)).chunks])

    def objects(self) -> list[str]:
        """Return the paths of all objects, also of unfinished ones."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    async def states(self) -> list[str]:
        rows = await self.alpha.pool.fetch("SELECT state FROM chassis.files ORDER BY id")
        return [row["state"] for row in rows]

    async def queued(self) -> list[str]:
        """Return the names of the jobs in the queue."""
        rows = await self.alpha.pool.fetch("SELECT entrypoint FROM chassis.pgqueuer ORDER BY id")
        return [row["entrypoint"] for row in rows]


@pytest.fixture
def files(alpha: Alpha, tmp_path: Path, clock: TestClock) -> Files:
    return Files(alpha, tmp_path / "store", clock)
