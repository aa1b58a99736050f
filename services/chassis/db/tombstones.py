"""Tombstones: ids that were erased. Neither an import, a copy nor a stated event brings the erased thing back."""

from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection
from services.contracts.values import Id

_ADD = """
    INSERT INTO chassis.tombstones (id, prefix, key) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET key = coalesce(excluded.key, tombstones.key)
"""
_FIND_IDS = "SELECT id FROM chassis.tombstones WHERE id = ANY ($1)"
_FIND_KEYS = "SELECT key FROM chassis.tombstones WHERE prefix = $1 AND key = ANY ($2)"


def prefix_of(thing_id: Id) -> str:
    """Return the prefix of an id: the kind of the thing."""
    return thing_id.rpartition("_")[0]


async def add(connection: DatabaseConnection, thing_id: Id, key: str | None) -> None:
    """Add a tombstone. ``key`` is the number under which imports know the thing."""
    await connection.execute(_ADD, thing_id, prefix_of(thing_id), key)


async def find_ids(connection: DatabaseConnection, ids: Collection[Id]) -> frozenset[Id]:
    """Return those of these ids that have a tombstone."""
    return frozenset(row["id"] for row in await connection.fetch(_FIND_IDS, list(ids)))


async def find_keys(connection: DatabaseConnection, prefix: str, keys: Collection[str]) -> frozenset[str]:
    """Return the keys that belong to erased things of a kind."""
    return frozenset(row["key"] for row in await connection.fetch(_FIND_KEYS, prefix, list(keys)))
