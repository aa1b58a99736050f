"""The last imported value of each field of a record, and when another than an import changed one."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from services.chassis.db.postgres import DatabaseConnection

_FIND = "SELECT key, fields, noted FROM chassis.imported_values WHERE kind = $1 AND key = ANY ($2)"
_REMEMBER = """
    INSERT INTO chassis.imported_values (kind, key, fields)
    SELECT $1, key, fields FROM unnest($2::text[], $3::jsonb[]) AS imported (key, fields)
    ON CONFLICT (kind, key) DO UPDATE SET fields = excluded.fields
"""
_NOTE = """
    INSERT INTO chassis.imported_values (kind, key, noted) VALUES ($1, $2, $3)
    ON CONFLICT (kind, key) DO UPDATE SET noted = imported_values.noted || excluded.noted
"""


class ImportedValues(msgspec.Struct, frozen=True):
    """The memory of a record's imports."""

    fields: Mapping[str, Any] = {}
    """The last imported values as JSON; none for a field, or a record, that was never imported."""
    noted: Mapping[str, dt.datetime] = {}
    """When another than an import changed a field last, as far as it was noted."""


async def find(connection: DatabaseConnection, kind: str, keys: Collection[str]) -> dict[str, ImportedValues]:
    """Return what is remembered of a kind's records, by their numbers."""
    rows = await connection.fetch(_FIND, kind, list(keys))
    return {
        row["key"]: ImportedValues(
            msgspec.json.decode(row["fields"]), msgspec.json.decode(row["noted"], type=dict[str, dt.datetime])
        )
        for row in rows
    }


async def remember(connection: DatabaseConnection, kind: str, imported: Mapping[str, Mapping[str, Any]]) -> None:
    """Remember the imported values of records, as JSON by field, by the records' numbers."""
    if imported:
        fields = [msgspec.json.encode(values).decode() for values in imported.values()]
        await connection.execute(_REMEMBER, kind, list(imported), fields)


async def note_change(
    connection: DatabaseConnection, kind: str, key: str, fields: Collection[str], at: dt.datetime
) -> None:
    """Note that another than an import changed fields of a record."""
    await connection.execute(_NOTE, kind, key, msgspec.json.encode(dict.fromkeys(fields, at)).decode())
