"""The port of the copy of organisations."""

import uuid
from collections.abc import Collection
from typing import Protocol


class OrganisationCopyRepository(Protocol):
    """The copies of organisations of a transaction."""

    async def ids_by_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        """Return the ids of the organisations with these customer numbers, by number, locked against change."""
        ...

    async def upsert(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        """Insert or update an organisation, unless its copy is as new already; its sites are found by its number."""
        ...
