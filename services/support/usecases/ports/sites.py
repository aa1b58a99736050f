"""The port of the copy of sites."""

import datetime as dt
import uuid
from typing import Protocol

from services.support.domain.ticket import SiteCopy


class SiteCopyRepository(Protocol):
    """The copy of sites."""

    async def upsert(self, site: SiteCopy, version: int) -> None:
        """Copy a site, unless the copy is as new already."""
        ...

    async def by_id(self, site_id: uuid.UUID) -> SiteCopy | None: ...

    async def only_reached(self, subject_id: str, day: dt.date) -> SiteCopy | None:
        """Return the site of a caller who reaches one alone on the day; None for one who reaches several, or none."""
        ...
