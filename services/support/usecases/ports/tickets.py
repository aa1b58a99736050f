"""The port of tickets."""

import datetime as dt
import uuid
from typing import Protocol

from services.support.domain.ticket import TicketRecord


class TicketRepository(Protocol):
    """Tickets and their numbers."""

    async def next_number(self, year: int) -> int:
        """Return the place of the year's next ticket, from 1; another transaction waits for this one's end."""
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

    async def by_id(self, ticket_id: uuid.UUID) -> TicketRecord | None: ...
