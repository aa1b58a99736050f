"""What the use cases need of the store, and of identity."""

import datetime as dt
import uuid
from typing import Protocol

import msgspec

from services.access.caller import Caller
from services.chassis.events.transaction_port import TransactionPort
from services.contracts.identity import Contact
from services.contracts.values import Id
from services.support.domain.ticket import SiteCopy, TicketRecord


class DueReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that is to be written. ``attempts`` counts the present one."""

    ticket_id: uuid.UUID
    user_id: uuid.UUID
    attempts: int


class SupportStore(TransactionPort, Protocol):
    """A transaction on support's own data."""

    async def upsert_site(self, site: SiteCopy, version: int) -> None:
        """Take a site into the copy, unless the copy is as new already."""
        ...

    async def site(self, site_id: uuid.UUID) -> SiteCopy | None:
        """A site that support has heard of."""
        ...

    async def reaches(self, caller: Caller, site: SiteCopy) -> bool:
        """Whether the caller sees this site today."""
        ...

    async def access_covers_site(self, caller: Caller, site_id: uuid.UUID) -> bool:
        """Whether the caller's access of today covers a site that support has not heard of, should there be one."""
        ...

    async def next_number(self, year: int) -> int:
        """Which ticket of the year the next one is, from 1. Who opens another waits until this one is opened."""
        ...

    async def nth_newest_of_user(self, user_id: uuid.UUID, place: int, since: dt.datetime) -> dt.datetime | None:
        """When the user opened their newest ticket but ``place - 1``; None if that was not after ``since``."""
        ...

    async def nth_newest_of_organisation(
        self, organisation_id: uuid.UUID, place: int, since: dt.datetime
    ) -> dt.datetime | None:
        """The same of an organisation's tickets."""
        ...

    async def add_ticket(self, ticket: TicketRecord) -> None:
        """Keep a new ticket, with its receipt due at once."""
        ...

    async def ticket(self, ticket_id: uuid.UUID) -> TicketRecord: ...

    async def claim_receipt(self, seconds: int) -> DueReceipt | None:
        """Take the receipt that has been due the longest; nobody else gets it for this many seconds."""
        ...

    async def postpone_receipt(self, ticket_id: uuid.UUID, seconds: int) -> None:
        """Have a receipt tried again no sooner than this."""
        ...

    async def complete_receipt(self, ticket_id: uuid.UUID) -> bool:
        """Have a receipt done with; False if it was already."""
        ...


class Recipients(Protocol):
    """Who knows how to write to people."""

    async def contact_of(self, user_id: Id) -> Contact | None:
        """How to write to a user; None for one who is gone. NotReadyYet while nobody can say."""
        ...
