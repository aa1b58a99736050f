"""What the use cases need of the store."""

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.chassis.events.transaction_port import TransactionPort
from services.sites.domain.site import ContainerRecord, SiteRecord


class SitesStore(TransactionPort, Protocol):
    """A transaction on sites' own data."""

    async def organisations_by_customer_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        """The organisations that are known here, by customer number."""
        ...

    async def upsert_organisation(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        """Take an organisation into the copy, unless the copy is as new already."""
        ...

    async def sites_by_number(self, numbers: Collection[str]) -> dict[str, SiteRecord]:
        """The sites with these numbers, locked for change."""
        ...

    async def sites_after(self, after: uuid.UUID, limit: int) -> Sequence[SiteRecord]:
        """The sites with the next ids, locked against change."""
        ...

    async def save_sites(self, sites: Sequence[SiteRecord]) -> None: ...

    async def containers_by_number(self, numbers: Collection[str]) -> dict[str, ContainerRecord]:
        """The containers with these numbers, locked for change."""
        ...

    async def containers_after(self, after: uuid.UUID, limit: int) -> Sequence[ContainerRecord]:
        """The containers with the next ids, locked against change."""
        ...

    async def save_containers(self, containers: Sequence[ContainerRecord]) -> None: ...
