"""The port of the copy of sites."""

import uuid
from collections.abc import Collection
from typing import Protocol


class SiteCopyRepository(Protocol):
    """The copy of sites: which organisation each belongs to."""

    async def upsert(self, site_id: uuid.UUID, organisation_id: uuid.UUID, version: int) -> None:
        """Copy a site, unless the copy is as new already."""
        ...

    async def of_organisation(self, organisation_id: uuid.UUID, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Return those of these sites that are the organisation's."""
        ...
