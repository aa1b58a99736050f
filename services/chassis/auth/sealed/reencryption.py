"""Re-encryption of sealed columns with the key in use, batch by batch, while the service runs.

Each batch is a transaction, so an interrupted re-encryption loses nothing and is continued by the next one.
"""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from services.chassis.auth.sealed.key_ring import KEY_ID_BYTES
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader
from services.chassis.auth.sealed.sealed_value import NotAuthentic, SealedColumn, UnknownKey, seal, unseal
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.telemetry.logging import logger

BATCH_ROWS = 200
"""Rows that are locked and sealed in one transaction."""
_STATEMENT_TIMEOUT_S = 3600

_log = logger(__name__)


class ReencryptedBatch(msgspec.Struct, frozen=True):
    """The numbers of one batch."""

    reencrypted: int
    unreadable: int
    """Values that do not unseal; they are left as they are."""


async def count_rows_by_key(connection: DatabaseConnection, column: SealedColumn) -> dict[str, int]:
    """Return the number of a column's values by the id of their key."""
    rows = await connection.fetch(
        f"""
        SELECT encode({_key_id(column)}, 'hex') AS key_id, count(*) AS count
        FROM {column.table} WHERE {column.column} IS NOT NULL GROUP BY 1
        """,
        timeout=_STATEMENT_TIMEOUT_S,
    )
    return {row["key_id"]: row["count"] for row in rows}


async def reencrypt(
    pool: Pool, ring: KeyRingReader, column: SealedColumn, batch_rows: int = BATCH_ROWS
) -> AsyncGenerator[ReencryptedBatch, None]:
    """Seal the values that have another key than the one in use, in the order of the rows; yield each committed batch.

    A row that is locked is left out: its writer may seal it anew, and if not, the next call does.
    """
    after: Any = None
    while True:
        async with pool.acquire() as connection, connection.transaction():
            locked = await _lock_batch(connection, ring.key_in_use().id_bytes, column, after, batch_rows)
            values = [_sealed_anew(ring, column, row["id"], row["value"]) for row in locked]
            updates = [update for update in values if update is not None]
            await connection.executemany(
                f"UPDATE {column.table} SET {column.column} = $2 WHERE {column.row} = $1", updates
            )
        if not locked:
            return
        after = locked[-1]["id"]
        yield ReencryptedBatch(len(updates), len(locked) - len(updates))


async def _lock_batch(
    connection: DatabaseConnection, key_id: bytes, column: SealedColumn, after: Any, batch_rows: int
) -> list[Any]:
    """Lock and return the next rows whose value has another key."""
    behind = "" if after is None else f"AND {column.row} > $3"
    return await connection.fetch(
        f"""
        SELECT {column.row} AS id, {column.column} AS value FROM {column.table}
        WHERE {column.column} IS NOT NULL AND {_key_id(column)} <> $1 {behind}
        ORDER BY {column.row} LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        key_id,
        batch_rows,
        *([] if after is None else [after]),
        timeout=_STATEMENT_TIMEOUT_S,
    )


def _sealed_anew(ring: KeyRingReader, column: SealedColumn, row: Any, value: bytes) -> tuple[Any, bytes] | None:
    place = column.place(row)
    try:
        return row, seal(ring, place, unseal(ring, place, value))
    except (UnknownKey, NotAuthentic) as error:
        _log.error("sealed value not readable", column=str(column), row=place.row, reason=type(error).__name__)
        return None


def _key_id(column: SealedColumn) -> str:
    """Return the SQL of the key's id in a value."""
    return f"substring({column.column} FROM 2 FOR {KEY_ID_BYTES})"
