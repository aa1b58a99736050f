"""The rows of files. A transaction keeps a file or deletes it, and a job does the same with its bytes."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.files.media_type import MediaType
from services.chassis.jobs.job import Job
from services.contracts.values import Id

_ADD = """
    INSERT INTO chassis.files (id, owner, name, media_type, bytes, sha256) VALUES ($1, $2, $3, $4, $5, $6)
"""
_KEEP = """
    UPDATE chassis.files SET state = 'kept', expires_at = $3
    WHERE id = $1 AND owner = $2 AND state IN ('pending', 'kept')
    RETURNING true
"""
_DELETE = "UPDATE chassis.files SET state = 'deleted', name = '' WHERE id = $1 AND owner = $2 RETURNING true"
_FIND_KEPT = """
    SELECT id, owner, name, media_type, bytes AS size, sha256 FROM chassis.files
    WHERE id = ANY ($1) AND state = 'kept' AND (expires_at IS NULL OR expires_at > $2)
"""
_EXPIRE = """
    UPDATE chassis.files SET state = 'deleted', name = '' WHERE id IN (
        SELECT id FROM chassis.files WHERE state = 'kept' AND expires_at <= $1
        ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file as its row describes it."""

    id: uuid.UUID
    owner: Id
    """The thing that it was uploaded for, and whose service decides who may read it."""
    name: str
    """Its name as the person who uploaded it gave it."""
    media_type: MediaType
    size: int
    sha256: bytes


class MoveFile(Job, frozen=True, kw_only=True, tag="move-file"):
    """The job that moves a kept file's bytes to the kept ones."""

    file_id: uuid.UUID


class DeleteFile(Job, frozen=True, kw_only=True, tag="delete-file"):
    """The job that deletes a deleted file's bytes, and then its row."""

    file_id: uuid.UUID


class UnknownFile(Exception):
    """There is no such file of this owner, or not any more."""


async def add(pool: Pool, file: FileRow) -> None:
    """Add the row of a pending file."""
    await pool.execute(_ADD, file.id, file.owner, file.name, file.media_type.value, file.size, file.sha256)


async def keep(
    connection: DatabaseConnection, file_id: uuid.UUID, owner: Id, expires_at: dt.datetime | None
) -> MoveFile:
    """Keep a file in the present transaction; return the job that moves it. Raises UnknownFile."""
    if not await connection.fetchval(_KEEP, file_id, owner, expires_at):
        raise UnknownFile(str(file_id))
    return MoveFile(file_id=file_id)


async def delete(connection: DatabaseConnection, file_id: uuid.UUID, owner: Id) -> DeleteFile:
    """Delete a file in the present transaction; return the job that deletes its bytes. Raises UnknownFile."""
    if not await connection.fetchval(_DELETE, file_id, owner):
        raise UnknownFile(str(file_id))
    return DeleteFile(file_id=file_id)


async def expire(connection: DatabaseConnection, now: dt.datetime, limit: int) -> Sequence[DeleteFile]:
    """Delete at most so many files whose time is over in the present transaction; return their jobs."""
    return [DeleteFile(file_id=row["id"]) for row in await connection.fetch(_EXPIRE, now, limit)]


async def find_kept(
    connection: DatabaseConnection | Pool, ids: Collection[uuid.UUID], now: dt.datetime
) -> Mapping[uuid.UUID, FileRow]:
    """Return those of the files that are kept and have not expired, by their ids."""
    rows = await connection.fetch(_FIND_KEPT, ids, now) if ids else []
    return {row["id"]: FileRow(**{**row, "media_type": MediaType(row["media_type"])}) for row in rows}
