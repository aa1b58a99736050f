"""The port of tickets."""

import datetime as dt
import uuid
from typing import Protocol

from services.support.domain.ticket import SenderContact, TicketRecord


class TicketRepository(Protocol):
    """Tickets and their numbers."""

    async def next_number(self) -> int:
        """Return the next number. None is given twice, and some are left out."""
        ...

    async def lock_limits(self, *limited: str) -> None:
        """Have other messages within these limits wait for the end of the transaction.

        All callers name a sender before an organisation, so that no two transactions wait for each other.
        """
        ...

    async def nth_newest_of_user(self, user_id: uuid.UUID, n: int, since: dt.datetime) -> dt.datetime | None:
        """Return when the user opened their ``n``-th newest ticket; None if not after ``since``."""
        ...

    async def nth_newest_of_organisation(
        self, organisation_id: uuid.UUID, n: int, since: dt.datetime
    ) -> dt.datetime | None:
        """Return when the organisation's ``n``-th newest ticket was opened; None if not after ``since``."""
        ...

    async def add(self, ticket: TicketRecord) -> None: ...

    async def save(self, ticket: TicketRecord) -> None:
        """Save what changes of a ticket: its state, assignee and place, and its version."""
        ...

    async def by_id(self, ticket_id: uuid.UUID) -> TicketRecord | None: ...

    async def lock_by_id(self, ticket_id: uuid.UUID) -> TicketRecord | None:
        """Return a ticket, locked for the transaction."""
        ...

    async def add_contact(self, contact: SenderContact) -> None: ...

    async def contact(self, ticket_id: uuid.UUID) -> SenderContact | None:
        """Return the contact that a ticket itself has; None if it has none."""
        ...
