"""The port of sites."""

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.sites.domain.site import SiteRecord


class SiteRepository(Protocol):
    """The sites of a transaction."""

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, SiteRecord]:
        """Return the sites with these numbers, locked for change."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[SiteRecord]:
        """Return the sites with the next ids, locked against change."""
        ...

    async def save(self, sites: Sequence[SiteRecord]) -> None:
        """Insert or update sites."""
        ...
