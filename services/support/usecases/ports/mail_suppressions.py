"""The port of the addresses to which no mail is sent."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Protocol

from services.support.domain.mail_suppression import MailSuppressionRecord


class MailSuppressionRepository(Protocol):
    """Suppressed addresses, by their digests."""

    async def add(self, suppression: MailSuppressionRecord) -> None:
        """Suppress an address, unless it is suppressed already; forget suppressions whose time is over."""
        ...

    async def of(self, addresses: Collection[str], now: dt.datetime) -> dict[str, MailSuppressionRecord]:
        """Return the suppressions of those of these addresses that have one."""
        ...

    async def lock_by_id(self, suppression_id: uuid.UUID) -> MailSuppressionRecord | None:
        """Return a suppression, locked for the transaction."""
        ...

    async def lift(self, address: str) -> None:
        """End the suppression of an address, and count its failures anew."""
        ...

    async def add_resumption(self, user_id: str, now: dt.datetime) -> None:
        """Remember that a user had mail sent again, and forget those of an hour ago."""
        ...

    async def nth_newest_resumption(self, user_id: str, n: int, since: dt.datetime) -> dt.datetime | None:
        """Return when the user had mail sent again the ``n``-th last time; None if not after ``since``."""
        ...
