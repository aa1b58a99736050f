"""Containers, in SQL."""

import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.sites.domain.site import ContainerFacts, ContainerRecord

_SELECT = """
    SELECT id, version, organisation_id, container_number, site_id, fraction, litres, count FROM containers
"""
_LOCK_BY_NUMBER = f"{_SELECT} WHERE container_number = ANY ($1) ORDER BY id FOR UPDATE"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_SAVE = """
    INSERT INTO containers (id, version, organisation_id, container_number, site_id, fraction, litres, count)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, site_id = excluded.site_id, organisation_id = excluded.organisation_id,
        fraction = excluded.fraction, litres = excluded.litres, count = excluded.count
"""


class PostgresContainerRepository:
    """Implements ``usecases.ports.containers.ContainerRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, ContainerRecord]:
        rows = await self._connection.fetch(_LOCK_BY_NUMBER, list(numbers))
        return {row["container_number"]: _to_container(row) for row in rows}

    async def after(self, after: uuid.UUID, limit: int) -> list[ContainerRecord]:
        return [_to_container(row) for row in await self._connection.fetch(_AFTER, after, limit)]

    async def save(self, containers: Sequence[ContainerRecord]) -> None:
        await self._connection.executemany(
            _SAVE, [(one.id, one.version, one.organisation_id, *to_row(one.facts)) for one in containers]
        )


def _to_container(row: Row) -> ContainerRecord:
    facts = from_row(ContainerFacts, row)
    return ContainerRecord(id=row["id"], version=row["version"], organisation_id=row["organisation_id"], facts=facts)
