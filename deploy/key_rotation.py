"""Rotation of a service's key ring: a new key is distributed, then used; values are re-encrypted, old keys retired.

Each step is decided by the ring's file and the rows as they are, so a rotation that was killed anywhere is continued by
the next one. Two rotations at the same time do the same steps.
"""

import asyncio
import contextlib
import datetime as dt
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from deploy.local.files import write_atomically
from services.chassis.auth.sealed.key_ring import KeyRing, read_key_ring
from services.chassis.auth.sealed.key_ring_reader import REREAD_INTERVAL_S, KeyRingReader
from services.chassis.auth.sealed.reencryption import count_rows_by_key, reencrypt
from services.chassis.auth.sealed.sealed_value import SealedColumn
from services.chassis.db.postgres import Pool
from services.chassis.runtime.settings import InvalidSettings

if TYPE_CHECKING:
    from deploy.copies import ProgressReporter

DISTRIBUTION_S = 2 * REREAD_INTERVAL_S
"""Time after which every process reads a changed ring before it fails to know a key, or seals with an old one."""
_RETRY_INTERVAL_S = 0.1
_STALL_WARNING_S = 15.0


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the commands on a service's key ring."""

    database_url: str
    key_ring_file: Path
    backup_days: int
    """Days for which backups of the database are kept: a key may be needed as long to restore one."""

    def __post_init__(self) -> None:
        if self.backup_days < 1:
            # A transaction may commit a value of a key that was in use a moment ago: a day is longer than any takes.
            raise InvalidSettings("KIERTO_BACKUP_DAYS is wrong: expected 1 or more")


class KeyRingOwner(msgspec.Struct, frozen=True, kw_only=True):
    """A service, as far as its key ring is concerned."""

    name: str
    key_ring_file: Path
    pool: Pool
    columns: Sequence[SealedColumn]
    backup_age: dt.timedelta
    """Time for which backups of its database are kept."""


class RotationResult(msgspec.Struct, frozen=True):
    """Result of a rotation."""

    ring: KeyRing
    rows: dict[str, int]
    """Number of values by the id of their key."""
    unreadable: int
    """Values that do not unseal. Their keys are not retired."""


async def rotate(owner: KeyRingOwner, progress: "ProgressReporter", *, another: bool = False) -> RotationResult:
    """Continue the rotation under way, or begin one; retire the keys that no row and no kept backup has.

    A rotation is under way while a key is distributed or retiring; with ``another`` only while one is distributed.
    """
    distribute(owner, progress, another=another)
    await _use(owner, progress)
    unreadable = 0
    for column in owner.columns:
        unreadable += await _reencrypt_column(owner, column, progress)
    rows = await count_rows(owner)
    return RotationResult(_retire(owner, rows, progress), rows, unreadable)


def distribute(owner: KeyRingOwner, progress: "ProgressReporter", *, another: bool = False) -> KeyRing:
    """Add a new key to the ring unless a rotation is under way."""

    def begin(ring: KeyRing) -> KeyRing:
        return ring if ring.retiring and not another else ring.distribute(_now())

    ring = change_key_ring(owner.key_ring_file, begin)
    if ring.distributed is not None:
        progress.note(f"{owner.name}: key {ring.distributed.id} is distributed")
    return ring


async def count_rows(owner: KeyRingOwner) -> dict[str, int]:
    """Return the number of the service's sealed values by the id of their key."""
    counts = dict[str, int]()
    async with owner.pool.acquire() as connection:
        for column in owner.columns:
            for key_id, count in (await count_rows_by_key(connection, column)).items():
                counts[key_id] = counts.get(key_id, 0) + count
    return counts


def change_key_ring(path: Path, change: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Replace the ring's file by what ``change`` makes of the ring; return that. Other changes wait meanwhile."""
    with _folder_lock(path.parent):
        ring = read_key_ring(path)
        changed = change(ring)
        if changed != ring:
            write_atomically(path, changed.encode())
    return changed


async def _use(owner: KeyRingOwner, progress: "ProgressReporter") -> None:
    """Put the distributed key in use, if there is one, once every process can unseal with it."""
    if read_key_ring(owner.key_ring_file).distributed is None:
        return
    await asyncio.sleep(DISTRIBUTION_S)
    ring = change_key_ring(owner.key_ring_file, lambda ring: ring.use_distributed(_now()))
    progress.note(f"{owner.name}: key {ring.in_use.id} is in use")
    await asyncio.sleep(DISTRIBUTION_S)


async def _reencrypt_column(owner: KeyRingOwner, column: SealedColumn, progress: "ProgressReporter") -> int:
    """Re-encrypt a column until only unreadable values have another key than the one in use; return their number."""
    ring = KeyRingReader(owner.key_ring_file)
    name, done, last_change = str(column), 0, time.monotonic()
    total = await _count_outdated(owner, ring, column)
    progress.step(name, 0, total)
    while True:
        unreadable = 0
        async for batch in reencrypt(owner.pool, ring, column):
            unreadable += batch.unreadable
            if batch.reencrypted:
                done, last_change = done + batch.reencrypted, time.monotonic()
                progress.step(name, done, max(done, total))
        if await _count_outdated(owner, ring, column) <= unreadable:
            return unreadable
        if time.monotonic() - last_change > _STALL_WARNING_S:
            last_change = time.monotonic()
            progress.note(f"Nothing moves: which transaction holds locks on {column.table}?")
        await asyncio.sleep(_RETRY_INTERVAL_S)


async def _count_outdated(owner: KeyRingOwner, ring: KeyRingReader, column: SealedColumn) -> int:
    async with owner.pool.acquire() as connection:
        counts = await count_rows_by_key(connection, column)
    return sum(counts.values()) - counts.get(ring.key_in_use().id, 0)


def _retire(owner: KeyRingOwner, rows: dict[str, int], progress: "ProgressReporter") -> KeyRing:
    before = read_key_ring(owner.key_ring_file)

    def retire(ring: KeyRing) -> KeyRing:
        for key in ring.retiring:
            ring = ring.retire(key.id, rows.get(key.id, 0), _now(), owner.backup_age)
        return ring

    ring = change_key_ring(owner.key_ring_file, retire)
    for key in before.retiring:
        if ring.find(key.id) is None:
            progress.note(f"{owner.name}: key {key.id} is retired")
    return ring


@contextlib.contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, whose files are replaced; the kernel releases it when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _now() -> dt.datetime:
    """Return the machine's time: backups age by it, also where Kierto's own clock is moved."""
    return dt.datetime.now(dt.UTC)
