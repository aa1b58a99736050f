"""The port of organisations."""

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.identity.domain.organisation import OrganisationRecord


class OrganisationRepository(Protocol):
    """The organisations of a transaction."""

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, OrganisationRecord]:
        """Return the organisations with these customer numbers, locked for change."""
        ...

    async def by_id(self, organisation_id: uuid.UUID) -> OrganisationRecord | None: ...

    async def lock(self, organisation_id: uuid.UUID) -> None:
        """Lock an organisation until the end of the transaction: its members and invitations change one by one."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[OrganisationRecord]:
        """Return the organisations with the next ids, locked against change."""
        ...

    async def save(self, organisations: Sequence[OrganisationRecord]) -> None:
        """Insert or update organisations."""
        ...

    async def unknown_ids(self, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Return those of the ids that no organisation has."""
        ...
