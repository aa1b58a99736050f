"""Processes that use files: their settings, and an orderly end in the middle of work with the store."""

import asyncio
import base64
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.files.media_type import MediaType
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.store import FileStore
from services.chassis.runtime.clock import SystemClock
from services.sites.app import SITES
from tests.support.fixtures import MakeDatabase
from tests.support.polling import until
from tests.support.servers import ROOT

KEY = bytes(range(32))


class SitesProcess:
    """A process of sites with a folder of files."""

    def __init__(self, role: str, database_url: str, files_url: str, **changed: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.url = f"http://{address}"
        settings = {
            "ENV": "test",
            "LISTEN": address,
            "KAFKA": "127.0.0.1:9",
            "IDENTITY_URL": "http://127.0.0.1:9",
            "SITES_DATABASE_URL": database_url,
            "SITES_FILES_URL": files_url,
            "SITES_FILES_KEY": base64.b64encode(KEY).decode(),
            **changed,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "services.sites", role],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), **{f"KIERTO_{name}": value for name, value in settings.items()}},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def ended(self) -> tuple[int, str]:
        """Return its exit code, and what it wrote of errors."""
        _, errors = await asyncio.to_thread(self.process.communicate, timeout=60)
        return self.process.returncode, errors


StartProcess = Callable[..., SitesProcess]


@pytest.fixture
def start_process() -> Iterator[StartProcess]:
    started: list[SitesProcess] = []

    def start(*given: str, **changed: str) -> SitesProcess:
        started.append(SitesProcess(*given, **changed))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


class Files:
    """The files of a service, in a folder."""

    def __init__(self, database_url: str, pool: Pool, folder: Path) -> None:
        self.database_url = database_url
        self.pool = pool
        self.url = folder.as_uri()
        clock = SystemClock("UTC", None)
        self.files = ServiceFiles("sites", pool, FileStore.open(self.url), KEY, clock)
        self._work: PostgresUnitOfWork[Transaction] = PostgresUnitOfWork(pool, clock, Transaction)

    async def keep(self, size: int) -> uuid.UUID:
        async def content() -> AsyncIterator[bytes]:
            for _ in range(size):
                yield b"123456789abcdef\n" * 65536

        row = await self.files.uploads.begin_upload(
            content(), owner="thing_1", name="a.txt", accepted={MediaType.TEXT}, max_bytes=size << 20
        )
        async with self._work() as tx:
            await tx.keep_file(row.id, owner="thing_1", expires_at=None)
        return row.id


@pytest.fixture
async def files(make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], tmp_path: Path) -> Files:
    url = await make_database(SITES)
    return Files(url, await open_pool(url), tmp_path / "files")


async def test_an_api_ends_in_order_in_the_middle_of_downloads(files: Files, start_process: StartProcess) -> None:
    file_id = await files.keep(30)
    link = files.files.tokens.link(file_id, "a.txt", 30 << 20).url.replace("/files/sites/", "/files/")
    process = start_process("api", files.database_url, files.url)

    async def responds() -> bool:
        try:
            async with session.get(f"{process.url}/livez"):
                return True
        except aiohttp.ClientError:
            return False

    async with aiohttp.ClientSession() as session:
        await until(responds)
        downloads = [await session.get(process.url + link) for _ in range(3)]
        for one in downloads:
            assert await one.content.readexactly(100_000)
        process.process.send_signal(signal.SIGTERM)
        for one in downloads:
            one.close()
        assert await process.ended() == (0, "")


async def test_jobs_end_in_order_in_the_middle_of_moves(files: Files, start_process: StartProcess) -> None:
    for _ in range(40):
        await files.keep(1)
    process = start_process("jobs", files.database_url, files.url)
    moved = Path(files.url.removeprefix("file://")) / "kept"

    async def begun() -> bool:
        return moved.is_dir() and any(moved.iterdir())

    await until(begun)
    process.process.send_signal(signal.SIGTERM)
    assert await process.ended() == (0, "")


@pytest.mark.parametrize(
    ("key", "url", "complaint"),
    [
        ("", "", "missing (expected file:///FOLDER or s3://BUCKET/PREFIX)"),
        ("c2hvcnQ=", "file:///proc/none", "wrong ("),
    ],
)
async def test_an_api_without_its_files_says_what_is_missing_or_wrong(
    files: Files, start_process: StartProcess, key: str, url: str, complaint: str
) -> None:
    process = start_process("api", files.database_url, url, SITES_FILES_KEY=key)
    code, errors = await process.ended()
    assert code == 2
    word = "wrong" if key else "missing"
    assert f"KIERTO_SITES_FILES_KEY is {word} (expected 32 random bytes or more in base64)\n" in errors
    assert f"KIERTO_SITES_FILES_URL is {complaint}" in errors
