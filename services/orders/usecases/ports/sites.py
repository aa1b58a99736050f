"""The port of the copy of sites."""

from collections.abc import Collection
from typing import Protocol

from services.orders.domain.agreement import SiteCopy


class SiteCopyRepository(Protocol):
    """The copy of sites."""

    async def upsert(self, site: SiteCopy) -> None:
        """Copy a site, unless the copy is as new already."""
        ...

    async def by_number(self, numbers: Collection[str]) -> dict[str, SiteCopy]:
        """Return the sites with these numbers, without placeholders."""
        ...
