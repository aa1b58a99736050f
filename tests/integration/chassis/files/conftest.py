"""A store of files, in a folder or in S3, beside a service's database."""

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import from_url

from services.chassis.files.file_rows import FileRow
from services.chassis.files.media_type import MediaType
from services.chassis.files.storage import FileStorage
from services.chassis.files.store import FileStore
from services.chassis.files.upload import FileUploads
from services.chassis.ids import new_uuid, write_id
from tests.integration.chassis.files.contents import stream
from tests.support.alpha import Alpha
from tests.support.clock import TestClock
from tests.support.s3_server import serve_in_thread

TEXT = b"site_number;street\n50;Koivukatu 1\n"


class Files:
    """The files of one service: uploads, storage, and what lies in its folder."""

    def __init__(self, alpha: Alpha, url: str, clock: TestClock) -> None:
        self.alpha = alpha
        self.url = url
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

    @property
    def folder(self) -> Path:
        """The folder of a store that is one."""
        return Path(self.url.removeprefix("file://"))

    def objects(self) -> list[str]:
        """Return the paths of all objects, also of unfinished ones in a folder."""
        store = from_url(self.url)
        stored = [one["path"] for page in obstore.list(store) for one in page]
        unfinished = self.folder.rglob("*#*") if self.url.startswith("file:") else ()
        return sorted({*stored, *(str(path.relative_to(self.folder)) for path in unfinished)})

    async def states(self) -> list[str]:
        rows = await self.alpha.pool.fetch("SELECT state FROM chassis.files ORDER BY id")
        return [row["state"] for row in rows]

    async def queued(self) -> list[str]:
        """Return the names of the jobs in the queue."""
        rows = await self.alpha.pool.fetch("SELECT entrypoint FROM chassis.pgqueuer ORDER BY id")
        return [row["entrypoint"] for row in rows]


FOLDER_ALONE = pytest.mark.parametrize("files", ["folder"], indirect=True)
"""Mark of tests that touch the folder."""


@pytest.fixture(params=["folder", "s3"])
async def files(
    alpha: Alpha, tmp_path: Path, clock: TestClock, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Files]:
    """Files in a folder, and in S3: in the bucket of ``KIERTO_TEST_S3_URL``, or at our own peer in a thread."""
    bucket = os.environ.get("KIERTO_TEST_S3_URL")
    if request.param == "folder":
        yield Files(alpha, f"file://{tmp_path}/store", clock)
    elif bucket:
        yield Files(alpha, f"{bucket}/{new_uuid()}", clock)
    else:
        with serve_in_thread() as url:
            peer = {
                "ENDPOINT": url,
                "ALLOW_HTTP": "true",
                "REGION": "x",
                "ACCESS_KEY_ID": "x",
                "SECRET_ACCESS_KEY": "x",
            }
            for name, value in peer.items():
                monkeypatch.setenv(f"AWS_{name}", value)
            yield Files(alpha, f"s3://bucket/{new_uuid()}", clock)
