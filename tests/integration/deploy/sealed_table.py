"""A table with a sealed column, and processes that read and write it, for tests of key rotation.

``python -m tests.integration.deploy.sealed_table load|rotate DATABASE_URL KEY_RING_FILE``.
"""

import asyncio
import datetime as dt
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.key_rotation import KeyRingOwner, rotate
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader
from services.chassis.auth.sealed.sealed_value import KEY_ID_SLICE, SealedColumn, seal, unseal
from services.chassis.db.postgres import DatabaseConnection, Pool, open_pool
from services.chassis.ids import new_uuid
from services.chassis.telemetry import logging
from tests.support.owner import execute_as_owner
from tests.support.servers import RUNTIME

COLUMN = SealedColumn("support", "codes", "code")
_WRITTEN_ROWS = 50
"""Rows that the load writes; it reads all."""


async def make_table(pool: Pool, ring: KeyRingReader, rows: int) -> None:
    """Make the table with so many sealed rows, and one without a value."""
    columns = "id uuid PRIMARY KEY, version int NOT NULL, code bytea"
    await execute_as_owner(pool, f"CREATE TABLE codes ({columns}); GRANT ALL ON codes TO {RUNTIME}")
    ids = [new_uuid() for _ in range(rows)]
    values = [(row, 0, seal(ring, COLUMN.place(row), plaintext(row, 0))) for row in ids]
    await pool.executemany("INSERT INTO codes VALUES ($1, $2, $3)", [*values, (new_uuid(), 0, None)])


def plaintext(id: object, version: int) -> bytes:
    """Return the only right plaintext of a row's version."""
    return f"code {version} of {id}".encode()


async def unseal_all(pool: Pool, ring: KeyRingReader) -> int:
    """Unseal every value; return their number."""
    rows = await pool.fetch("SELECT id, version, code FROM codes WHERE code IS NOT NULL")
    for row in rows:
        assert unseal(ring, COLUMN.place(row["id"]), row["code"]) == plaintext(row["id"], row["version"])
    return len(rows)


def owner(pool: Pool, key_ring_file: Path, columns: Sequence[SealedColumn] = (COLUMN,)) -> KeyRingOwner:
    return KeyRingOwner(
        name="support",
        key_ring_file=key_ring_file,
        pool=pool,
        columns=columns,
        backup_age=dt.timedelta(days=30),
    )


async def _load(url: str, key_ring_file: Path) -> None:
    """Read and write rows until SIGTERM. Print each key's id at its first use. A value that does not unseal raises."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ring = KeyRingReader(key_ring_file)
    used = set[str]()
    async with await open_pool(url, name="load", size=1) as pool:
        ids = [row["id"] for row in await pool.fetch("SELECT id FROM codes WHERE code IS NOT NULL ORDER BY id")]
        while not stop.is_set():
            async with pool.acquire() as connection, connection.transaction():
                value = await _write(connection, ring, random.choice(ids[:_WRITTEN_ROWS]))
            key_id = value[KEY_ID_SLICE].hex()
            if key_id not in used:
                used.add(key_id)
                print(key_id, flush=True)
            for row in await pool.fetch(
                "SELECT id, version, code FROM codes WHERE id = ANY ($1)", random.sample(ids, 5)
            ):
                assert unseal(ring, COLUMN.place(row["id"]), row["code"]) == plaintext(row["id"], row["version"])


async def _write(connection: DatabaseConnection, ring: KeyRingReader, id: object) -> bytes:
    """Write a row's next version over its last one, and insert a row; return the value."""
    row = await connection.fetchrow("SELECT version, code FROM codes WHERE id = $1 FOR UPDATE", id)
    assert row is not None
    assert unseal(ring, COLUMN.place(str(id)), row["code"]) == plaintext(id, row["version"])
    version, inserted = row["version"] + 1, new_uuid()
    value = seal(ring, COLUMN.place(str(id)), plaintext(id, version))
    await connection.execute("UPDATE codes SET version = $2, code = $3 WHERE id = $1", id, version, value)
    sealed = seal(ring, COLUMN.place(inserted), plaintext(inserted, 0))
    await connection.execute("INSERT INTO codes VALUES ($1, 0, $2)", inserted, sealed)
    return value


class _Handshake:
    """Progress of a rotation that goes on when the test has read it: so the test kills it where it wants."""

    def step(self, name: str, done: int, total: int) -> None:
        self.note(f"{name}: {done} of {total}")

    def note(self, text: str) -> None:
        print(text, flush=True)
        sys.stdin.readline()


async def _rotate(url: str, key_ring_file: Path) -> None:
    async with await open_pool(url, name="rotation", size=2) as pool:
        result = await rotate(owner(pool, key_ring_file), _Handshake())
    assert result.unreadable == 0


if __name__ == "__main__":
    role, database_url, path = sys.argv[1:]
    logging.configure(role, "ERROR")
    asyncio.run({"load": _load, "rotate": _rotate}[role](database_url, Path(path)))
