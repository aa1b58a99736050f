"""The store of files: a local folder or S3. An object lies in ``pending/`` until its row is kept, then in ``kept/``."""

import asyncio
import contextlib
import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore, RetryConfig

PART_BYTES = 5 * 1024 * 1024
"""The part of a file that is in memory while it is written; S3 takes no smaller ones."""
READ_BYTES = 256 * 1024
_LISTED = 500
_RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": dt.timedelta(seconds=15)}
"""Of S3: less time than callers have."""
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class FileMissing(Exception):
    """The store has no object of a file whose row is kept."""


class StoreUnavailable(Exception):
    """The store does not answer, or refuses."""


class FileStore:
    """Objects of files by their ids. Each operation can be repeated."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    @classmethod
    def open(cls, url: str) -> "FileStore":
        """Open the store of a URL: ``file:///folder``, made if it is missing, or ``s3://bucket/prefix``.

        Credentials, region and endpoint of S3 are the variables ``AWS_...`` of its own tools. ValueError for any other.
        """
        from obstore.exceptions import BaseError
        from obstore.store import LocalStore, S3Store  # imported late: only the processes with files pay for it

        try:
            if url.startswith("file:///"):
                return cls(LocalStore.from_url(url, mkdir=True))
            if url.startswith("s3://"):
                return cls(S3Store.from_url(url, retry_config=_RETRIES))
        except (BaseError, OSError) as error:
            raise ValueError(str(error).partition("\n")[0]) from None
        raise ValueError("expected file:///FOLDER or s3://BUCKET/PREFIX")

    async def write(self, file_id: uuid.UUID, content: AsyncIterator[bytes] | Path) -> None:
        """Write a pending file whole; raise StoreUnavailable, or any error of ``content``, which leaves nothing."""
        import obstore

        with _store_errors():
            await obstore.put_async(self._store, _pending(file_id), content, chunk_size=PART_BYTES, max_concurrency=1)

    async def move(self, file_id: uuid.UUID) -> None:
        """Move a pending file to the kept ones, unless it is there already; raise FileMissing if it is nowhere."""
        import obstore

        try:
            await obstore.rename_async(self._store, _pending(file_id), _kept(file_id))
        except FileNotFoundError:
            try:
                await obstore.head_async(self._store, _kept(file_id))
            except FileNotFoundError:
                raise FileMissing(str(file_id)) from None

    async def read(self, file_id: uuid.UUID) -> AsyncIterator[bytes]:
        """Return the content of a file that is kept, in chunks; raise FileMissing or StoreUnavailable."""
        import obstore

        # A file that is moved between the first two look-ups is found by the third.
        for path in (_kept(file_id), _pending(file_id), _kept(file_id)):
            try:
                with _store_errors():
                    found = await obstore.get_async(self._store, path)
            except FileNotFoundError:
                continue
            return _chunks(found)
        raise FileMissing(str(file_id))

    async def delete(self, file_id: uuid.UUID) -> None:
        """Delete a file wherever it is; one that is moved at this moment is deleted, too, or by its mover."""
        await self._delete(_pending(file_id))
        await self._delete(_kept(file_id))

    async def delete_pending(self, file_id: uuid.UUID) -> None:
        """Delete a pending file."""
        await self._delete(_pending(file_id))

    async def list_pending(self, before: dt.datetime) -> AsyncIterator[Sequence[uuid.UUID]]:
        """Yield the ids of the pending files that were written before this time, some hundred at a time."""
        import obstore

        async for objects in obstore.list(self._store, "pending", chunk_size=_LISTED):
            old = [one["path"].rpartition("/")[2] for one in objects if one["last_modified"] < before]
            yield [uuid.UUID(name) for name in old if _ID.fullmatch(name)]

    async def delete_unfinished(self, before: dt.datetime) -> None:
        """Delete what killed processes left in a folder before this time: the store lists no object that is unfinished.

        In S3 a lifecycle rule does it.
        """
        from obstore.store import LocalStore

        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            await asyncio.to_thread(_delete_unfinished, Path(self._store.prefix) / "pending", before.timestamp())

    async def _delete(self, path: str) -> None:
        import obstore

        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise StoreUnavailable(str(error).partition("\n")[0]) from error


async def _chunks(found: "GetResult") -> AsyncIterator[bytes]:
    async for chunk in found.stream(min_chunk_size=READ_BYTES):
        yield bytes(chunk)


def _delete_unfinished(folder: Path, before: float) -> None:
    for path in folder.glob("*#*"):  # as obstore names a file until it is whole
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


def _pending(file_id: uuid.UUID) -> str:
    return f"pending/{file_id}"


def _kept(file_id: uuid.UUID) -> str:
    return f"kept/{file_id}"
