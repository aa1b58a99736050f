"""The port of the copy of organisations."""

import uuid
from collections.abc import Collection
from typing import Protocol


class OrganisationCopyRepository(Protocol):
    """The copy of organisations."""

    async def ids_by_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        """Return the ids of the known organisations, by customer number."""
        ...

    async def upsert(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        """Copy an organisation, unless the copy is as new already."""
        ...
