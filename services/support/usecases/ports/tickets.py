"""The port of tickets."""

import datetime as dt
import uuid
from typing import Protocol

from services.support.domain.ticket import TicketRecord


class TicketRepository(Protocol):
    """Tickets and their numbers."""

    async def next_number(self) -> int:
        """Return the next number. None is given twice, and some are left out."""
        ...

    async def lock_limits(self, user_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
        """Have other messages of the user, and about the organisation, wait for the end of the transaction."""
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
