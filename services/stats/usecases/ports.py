"""What the use cases need of the store."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.chassis.events.transaction_port import TransactionPort
from services.stats.domain.invoice import InvoiceRecord
from services.stats.domain.pickup import PickupFact, VolumeDelta


class StatsStore(TransactionPort, Protocol):
    """A transaction on stats' own data."""

    async def organisations_by_customer_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        """The organisations that are known here, by customer number."""
        ...

    async def upsert_organisation(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        """Take an organisation into the copy, unless the copy is as new already."""
        ...

    async def upsert_pickups(
        self, pickups: Sequence[tuple[PickupFact, dt.date | None]]
    ) -> Mapping[uuid.UUID, VolumeDelta | None]:
        """Keep each pickup, all of them different ones, as a fact that counts on its day, if any.

        Of those that were kept, by id, what their older version had counted; what is here as new already is left out.
        """
        ...

    async def add_to_volumes(self, corrections: Sequence[VolumeDelta]) -> None:
        """Add each line to the volume of its place; there may be several of one."""
        ...

    async def recount_volumes(self) -> None:
        """Make every volume the sum of its facts; readers see the old ones until this is committed."""
        ...

    async def invoices_by_number(self, numbers: Collection[str]) -> dict[str, InvoiceRecord]:
        """The invoices with these numbers, locked for change."""
        ...

    async def invoices_after(self, after: uuid.UUID, limit: int) -> Sequence[InvoiceRecord]:
        """The invoices with the next ids, locked against change."""
        ...

    async def save_invoices(self, invoices: Sequence[InvoiceRecord]) -> None: ...
