"""Uploads: a stream is judged by its content, written to the pending files, and gets its row.

Images take a detour over a temporary file, because they are encoded again; everything else goes to the store as it
comes. No transaction is open meanwhile.
"""

import asyncio
import hashlib
import tempfile
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Collection
from pathlib import Path

from services.chassis.db.postgres import Pool
from services.chassis.files import file_rows
from services.chassis.files.file_rows import FileRow
from services.chassis.files.image import encode_again
from services.chassis.files.invalid_upload import InvalidUpload, UploadProblem, checked_name
from services.chassis.files.media_type import HEAD_BYTES, IMAGES, MediaType, PdfCheck, TextCheck, media_type_of
from services.chassis.files.store import READ_BYTES, FileStore
from services.chassis.ids import new_uuid
from services.contracts.values import Id

MAX_CONCURRENT_IMAGES = 2
"""Child processes at a time: each may take a gigabyte."""


class FileUploads:
    """The uploads to one service's store."""

    def __init__(self, pool: Pool, store: FileStore) -> None:
        self._pool = pool
        self._store = store
        self._images = asyncio.Semaphore(MAX_CONCURRENT_IMAGES)

    async def begin_upload(
        self,
        content: AsyncIterable[bytes],
        *,
        owner: Id,
        name: str,
        accepted: Collection[MediaType],
        max_bytes: int,
        any_text: bool = False,
    ) -> FileRow:
        """Receive a file for a thing, and return its row, which is pending; raise InvalidUpload.

        It is deleted after a day, unless a transaction keeps it. An error of ``content`` leaves nothing. ``any_text``
        accepts text with any bytes, for a reader that judges it row by row.
        """
        name = checked_name(name)
        chunks = _limited(content, max_bytes)
        head = await _head(chunks)
        media_type = _accepted_type(media_type_of(head, any_text=any_text), accepted)
        file_id = new_uuid()
        received = _Received(head, chunks, None if any_text else _check_of(media_type))
        if media_type in IMAGES:
            size, sha256 = await self._write_image(file_id, received, media_type)
        else:
            await self._store.write(file_id, aiter(received))
            size, sha256 = received.size, received.digest.digest()
        row = FileRow(id=file_id, owner=owner, name=name, media_type=media_type, size=size, sha256=sha256)
        await file_rows.add(self._pool, row)
        return row

    async def _write_image(self, file_id: uuid.UUID, received: "_Received", media_type: MediaType) -> tuple[int, bytes]:
        """Encode an image again and write it; return its new size and digest."""
        with tempfile.TemporaryDirectory(prefix="kierto-image-") as folder:
            source, target = Path(folder) / "received", Path(folder) / "encoded"
            with source.open("wb") as file:
                async for chunk in received:
                    await asyncio.to_thread(file.write, chunk)
            async with self._images:
                await encode_again(source, target, media_type)
            await self._store.write(file_id, target)
            return await asyncio.to_thread(_measure, target)


class _Received:
    """The chunks of an upload, which are measured and checked on their way."""

    def __init__(self, head: bytes, rest: AsyncIterator[bytes], check: PdfCheck | TextCheck | None) -> None:
        self._head = head
        self._rest = rest
        self._check = check
        self.size = 0
        self.digest = hashlib.sha256()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in _chained(self._head, self._rest):
            self.size += len(chunk)
            self.digest.update(chunk)
            if self._check:
                self._check.feed(chunk)
            yield chunk
        if self._check:
            self._check.feed(b"", last=True)


def _check_of(media_type: MediaType) -> PdfCheck | TextCheck | None:
    if media_type is MediaType.PDF:
        return PdfCheck()
    return None if media_type in IMAGES else TextCheck()


async def _chained(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


async def _limited(content: AsyncIterable[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the chunks of a content until it is too large."""
    size = 0
    async for chunk in content:
        size += len(chunk)
        if size > max_bytes:
            raise InvalidUpload(UploadProblem.TOO_LARGE, limit=str(max_bytes))
        if chunk:
            yield chunk


async def _head(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the first chunks, so many that the type can be judged."""
    head = b""
    while len(head) < HEAD_BYTES and (chunk := await anext(chunks, b"")):
        head += chunk
    if not head:
        raise InvalidUpload(UploadProblem.EMPTY)
    return head


def _accepted_type(media_type: MediaType, accepted: Collection[MediaType]) -> MediaType:
    """Return the type under which a content is accepted: text is CSV where only CSV is wanted."""
    if media_type is MediaType.TEXT and media_type not in accepted:
        media_type = MediaType.CSV
    if media_type not in accepted:
        raise InvalidUpload(UploadProblem.TYPE_NOT_ACCEPTED, type=media_type.value)
    return media_type


def _measure(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
        return file.tell(), digest.digest()
