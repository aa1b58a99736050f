"""Look-ups of things by ids that a caller sent."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.ids import find_id
from services.contracts.values import Id

R = TypeVar("R")


async def fetch_by_ids(
    connection: DatabaseConnection,
    query: str,
    arguments: Sequence[object],
    prefix: str,
    ids: Sequence[Id],
    to_response: Callable[[Row], R],
) -> list[R | None]:
    """Return the things with these ids, in their order; None for one that the query does not find.

    The ids follow the query's other ``arguments``. A malformed id identifies nothing.
    """
    requested = [find_id(prefix, text) for text in ids]
    rows = await connection.fetch(query, *arguments, [one for one in requested if one])
    found = {row["id"]: to_response(row) for row in rows}
    return [found.get(one) if one else None for one in requested]
