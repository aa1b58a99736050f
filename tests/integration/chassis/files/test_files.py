"""Files from the upload to the download: pending, kept with a transaction, moved by a job, read, deleted."""

import asyncio
import datetime as dt
import hashlib
import io
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from services.chassis.files.file_rows import DeleteFile, MoveFile, UnknownFile
from services.chassis.files.invalid_upload import InvalidUpload, UploadProblem
from services.chassis.files.media_type import MediaType
from services.chassis.files.storage import FileStorage
from services.chassis.files.store import PART_BYTES, FileMissing, FileStore, StoreUnavailable
from services.chassis.ids import new_uuid
from services.chassis.jobs.job import JobRun
from tests.integration.chassis.files.conftest import TEXT, Files
from tests.integration.chassis.files.contents import endless, stream
from tests.support.clock import TestClock
from tests.support.job_runner import running_jobs
from tests.support.polling import until
from tests.unit.chassis.files.samples import SECRET, image, pdf

RUN = JobRun(1, asyncio.Event())


async def test_a_file_is_kept_with_its_transaction_and_moved_by_a_job(files: Files) -> None:
    row = await files.upload(name="Tyhjennykset.csv")
    assert (row.name, row.media_type, row.size) == ("Tyhjennykset.csv", MediaType.TEXT, len(TEXT))
    assert row.sha256 == hashlib.sha256(TEXT).digest()
    assert files.objects() == [f"pending/{row.id}"]
    with pytest.raises(UnknownFile):
        await files.storage.open(row.id)
    await files.keep(row)
    assert await files.read(row.id) == TEXT, "it is read before it is moved, too"
    async with running_jobs(files.alpha.pool, *files.storage.job_handlers()):
        await until(files.queued, lambda names: names == [])
    assert files.objects() == [f"kept/{row.id}"]
    opened = await files.storage.open(row.id)
    assert opened.row == row
    assert await files.read(row.id) == TEXT


async def test_a_rolled_back_transaction_keeps_nothing(files: Files) -> None:
    row = await files.upload()
    with pytest.raises(RuntimeError):
        async with files.alpha.work() as tx:
            await tx.keep_file(row.id, owner=files.owner, expires_at=None)
            raise RuntimeError
    assert await files.states() == ["pending"]
    assert await files.queued() == []


async def test_a_file_belongs_to_the_thing_that_it_was_uploaded_for(files: Files) -> None:
    row = await files.upload()
    with pytest.raises(UnknownFile):
        await files.keep(row, owner="thing_2")
    await files.keep(row)
    async with files.alpha.work() as tx:
        with pytest.raises(UnknownFile):
            await tx.delete_file(row.id, owner="thing_2")
    await files.keep(row)  # a repetition changes nothing
    assert await files.states() == ["kept"]


async def test_text_is_csv_where_only_csv_is_accepted(files: Files) -> None:
    assert (await files.upload(accepted={MediaType.CSV})).media_type is MediaType.CSV


async def test_an_image_is_kept_without_its_metadata(files: Files) -> None:
    sent = image(MediaType.JPEG)
    assert SECRET in sent
    row = await files.upload(sent, name="kuva.png")
    await files.keep(row)
    kept = await files.read(row.id)
    assert SECRET not in kept
    assert (row.media_type, row.size, row.sha256) == (MediaType.JPEG, len(kept), hashlib.sha256(kept).digest())
    with Image.open(io.BytesIO(kept)) as shown:
        assert shown.size == (20, 40)


@pytest.mark.parametrize(
    ("content", "problem", "params"),
    [
        (b"", UploadProblem.EMPTY, {}),
        (b"PK\x03\x04", UploadProblem.UNKNOWN_TYPE, {}),
        (b"a" * 20_001, UploadProblem.TOO_LARGE, {"limit": "20000"}),
        (b"a" * 5000 + b"\x00", UploadProblem.BROKEN, {}),
        (pdf()[:-10], UploadProblem.BROKEN, {}),
        (pdf(after=b"PK" * 2000), UploadProblem.BROKEN, {}),
        (image(MediaType.PNG)[:60], UploadProblem.BROKEN, {}),
        (image(MediaType.WEBP), UploadProblem.TYPE_NOT_ACCEPTED, {"type": "image/webp"}),
    ],
)
async def test_nothing_is_kept_of_a_refused_upload(
    files: Files, content: bytes, problem: UploadProblem, params: dict[str, str]
) -> None:
    with pytest.raises(InvalidUpload) as caught:
        await files.upload(content, accepted=set(MediaType) - {MediaType.WEBP}, max_bytes=20_000)
    assert (caught.value.problem, caught.value.params) == (problem, params)
    assert files.objects() == []
    assert await files.states() == []


async def test_a_stream_that_breaks_off_leaves_nothing(files: Files) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a" * 5000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await files.uploads.begin_upload(
            broken(), owner=files.owner, name="x", accepted={MediaType.TEXT}, max_bytes=10_000
        )
    assert files.objects() == []
    assert await files.states() == []


@pytest.mark.parametrize("content", [b"a" * 65_536, image(MediaType.PNG, size=(300, 300))], ids=["text", "image"])
async def test_an_endless_stream_is_read_up_to_its_limit(files: Files, content: bytes) -> None:
    sent = list[int]()
    with pytest.raises(InvalidUpload) as caught:
        await files.uploads.begin_upload(
            endless(content, sent), owner=files.owner, name="x", accepted=set(MediaType), max_bytes=1_000_000
        )
    assert caught.value.problem is UploadProblem.TOO_LARGE
    assert sum(sent) <= 1_000_000 + len(content)
    assert files.objects() == []


async def test_a_file_is_never_whole_in_memory(files: Files) -> None:
    grown = subprocess.run(
        [sys.executable, "-m", "tests.integration.chassis.files.large_file", files.alpha.url, files.url, "160"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(grown.stdout) < 80, grown.stdout


async def test_pending_files_are_listed_by_their_age(files: Files) -> None:
    store = FileStore.open(files.url)
    ids = {(await files.upload()).id for _ in range(3)}
    now = dt.datetime.now(dt.UTC)
    for before, expected in ((now - dt.timedelta(hours=1), set()), (now + dt.timedelta(hours=1), ids)):
        assert {one async for page in store.list_pending(before) for one in page} == expected


async def test_a_file_of_several_parts_is_whole(files: Files) -> None:
    content = b"0123456789abcde\n" * (3 * PART_BYTES // 16 + 5)
    row = await files.upload(content, max_bytes=len(content))
    await files.keep(row)
    await files.storage.move(MoveFile(file_id=row.id), RUN)
    assert hashlib.sha256(await files.read(row.id)).digest() == row.sha256 == hashlib.sha256(content).digest()
    assert files.objects() == [f"kept/{row.id}"]


def test_a_process_ends_in_order_while_a_thread_of_the_store_is_at_work(tmp_path: Path) -> None:
    """Without ``end`` half of such processes are aborted (SIGABRT)."""
    command = [sys.executable, "-m", "tests.integration.chassis.files.half_read", f"file://{tmp_path}/store"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 6


async def test_a_store_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = {"ENDPOINT": "http://127.0.0.1:9", "ALLOW_HTTP": "true", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}
    for name, value in peer.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    store = FileStore.open("s3://bucket/x")
    for operation in (store.read(new_uuid()), store.write(new_uuid(), stream(TEXT))):
        with pytest.raises(StoreUnavailable):
            await operation


async def test_a_deleted_file_is_gone_and_forgotten(files: Files, clock: TestClock) -> None:
    kept, expiring = await files.upload(), await files.upload()
    await files.keep(kept)
    await files.keep(expiring, expires_at=clock.now())
    with pytest.raises(UnknownFile):
        await files.storage.open(expiring.id)
    async with files.alpha.work() as tx:
        await tx.delete_file(kept.id, owner=files.owner)
    with pytest.raises(UnknownFile):
        await files.storage.open(kept.id)
    assert await files.alpha.pool.fetchval("SELECT name FROM chassis.files WHERE id = $1", kept.id) == ""
    with pytest.raises(UnknownFile):
        await files.keep(kept)


async def test_each_operation_of_a_store_can_be_repeated(files: Files) -> None:
    store, file_id = FileStore.open(files.url), new_uuid()
    for error in (store.move(file_id), store.read(file_id)):
        with pytest.raises(FileMissing):
            await error
    for _ in range(2):
        await store.write(file_id, stream(TEXT))
    for _ in range(2):
        await store.move(file_id)
        assert b"".join([chunk async for chunk in await store.read(file_id)]) == TEXT
    for _ in range(2):
        await store.delete(file_id)
    with pytest.raises(FileMissing):
        await store.read(file_id)


@pytest.mark.parametrize("late", [False, True], ids=["before the bytes are moved", "after it"])
async def test_a_file_that_is_deleted_while_it_is_moved_leaves_nothing(
    files: Files, clock: TestClock, late: bool
) -> None:
    class DeletedMeanwhile(FileStore):
        async def move(self, file_id: uuid.UUID) -> None:
            async with files.alpha.work() as tx:
                await tx.delete_file(file_id, owner=files.owner)
            if not late:
                await files.storage.delete(DeleteFile(file_id=file_id), RUN)
            await super().move(file_id)

    row = await files.upload()
    await files.keep(row)
    storage = FileStorage(files.alpha.pool, DeletedMeanwhile.open(files.url), clock)
    await storage.move(MoveFile(file_id=row.id), RUN)
    assert files.objects() == []
    await files.storage.delete(DeleteFile(file_id=row.id), RUN)
    assert await files.states() == []


async def test_a_kept_file_without_bytes_is_an_error(files: Files) -> None:
    row = await files.upload()
    await files.keep(row)
    await FileStore.open(files.url).delete(row.id)
    with pytest.raises(FileMissing):
        await files.storage.open(row.id)
    with pytest.raises(FileMissing):
        await files.storage.move(MoveFile(file_id=row.id), RUN)


@pytest.mark.parametrize("url", ["", "store", "file:store", "http://example.fi/store", "memory:///"])
def test_other_stores_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected file:///FOLDER or s3://BUCKET/PREFIX"):
        FileStore.open(url)
