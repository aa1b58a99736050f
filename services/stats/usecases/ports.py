"""What the use cases need of the store."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from services.chassis.change import Change
from services.stats.domain.invoice import InvoiceRecord
from services.stats.domain.pickup import Collected, PickupFact


class Kept(msgspec.Struct, frozen=True):
    """A fact was taken in; ``before`` is what its older version had counted, if it did."""

    before: Collected | None


class StatsStore(Change, Protocol):
    """A transaction on stats' own data."""

    async def organisations_by_customer_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        """The organisations that are known here, by customer number."""
        ...

    async def keep_organisation(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        """Take an organisation into the copy, unless the copy is as new already."""
        ...

    async def keep_pickup(self, pickup: PickupFact, counts_on: dt.date | None) -> Kept | None:
        """Keep a pickup as a fact that counts on this day, if any; None if what is here is as new already."""
        ...

    async def add_to_volumes(self, corrections: Sequence[Collected]) -> None:
        """Add each line to the volume of its place."""
        ...

    async def invoices_by_number(self, numbers: Collection[str]) -> dict[str, InvoiceRecord]:
        """The invoices with these numbers, locked for change."""
        ...

    async def save_invoices(self, invoices: Sequence[InvoiceRecord]) -> None: ...
