"""The port of containers."""

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.sites.domain.site import ContainerRecord


class ContainerRepository(Protocol):
    """The containers of a transaction."""

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, ContainerRecord]:
        """Return the containers with these numbers, locked for change."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[ContainerRecord]:
        """Return the containers with the next ids, locked against change."""
        ...

    async def save(self, containers: Sequence[ContainerRecord]) -> None:
        """Insert or update containers."""
        ...
