"""The port of the senders of public forms."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol


class PublicFormRepository(Protocol):
    """The senders of the last hour's public forms, as digests."""

    async def add(self, senders: Sequence[str], now: dt.datetime) -> None:
        """Remember the senders of a form, and forget those of an hour ago."""
        ...

    async def nth_newest(self, sender: str, n: int, since: dt.datetime) -> dt.datetime | None:
        """Return when the sender's ``n``-th newest form came; None if not after ``since``."""
        ...
