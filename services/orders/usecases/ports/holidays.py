"""The port of holidays."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Protocol

from services.orders.domain.holidays import Country, HolidayRecord, Holidays


class HolidayRepository(Protocol):
    """Holidays."""

    async def of_zone(self, zone: str) -> Holidays:
        """Return the holidays of the country in this IANA zone."""
        ...

    async def by_date(self, dates: Collection[dt.date]) -> dict[tuple[Country, dt.date], HolidayRecord]:
        """Return the holidays of all countries on these days."""
        ...

    async def save(self, holidays: Sequence[HolidayRecord]) -> None: ...
