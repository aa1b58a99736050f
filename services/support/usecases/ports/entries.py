"""The port of the entries of threads."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from services.support.domain.ticket import EntryRecord


class EntryRepository(Protocol):
    """Messages, answers and notes of tickets."""

    async def add(self, entry: EntryRecord) -> None: ...

    async def by_id(self, entry_id: uuid.UUID) -> EntryRecord | None: ...

    async def customers_of(self, ticket_id: uuid.UUID) -> Sequence[uuid.UUID]:
        """Return the users who wrote messages in the thread of a ticket, each once."""
        ...

    async def nth_newest_of_author(self, author_id: uuid.UUID, n: int, since: dt.datetime) -> dt.datetime | None:
        """Return when the author wrote their ``n``-th newest entry; None if not after ``since``."""
        ...
