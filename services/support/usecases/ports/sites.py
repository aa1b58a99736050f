"""The port of the copy of sites."""

import uuid
from typing import Protocol

from services.support.domain.ticket import SiteCopy


class SiteCopyRepository(Protocol):
    """The copy of sites."""

    async def upsert(self, site: SiteCopy, version: int) -> None:
        """Copy a site, unless the copy is as new already."""
        ...

    async def by_id(self, site_id: uuid.UUID) -> SiteCopy | None: ...
