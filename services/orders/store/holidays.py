"""Holidays in PostgreSQL."""

import datetime as dt
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.holidays import Country, HolidayRecord, Holidays, country_of

_SELECT = "SELECT country, date, name_fi, name_sv, name_nb, name_en, moves_to FROM holidays"
_SAVE = """
    INSERT INTO holidays (country, date, name_fi, name_sv, name_nb, name_en, moves_to)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (country, date) DO UPDATE SET
        name_fi = excluded.name_fi, name_sv = excluded.name_sv, name_nb = excluded.name_nb,
        name_en = excluded.name_en, moves_to = excluded.moves_to
"""


class PostgresHolidayRepository:
    """Implements ``usecases.ports.holidays.HolidayRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def of_zone(self, zone: str) -> Holidays:
        country = country_of(zone)
        if country is None:
            return Holidays([])
        rows = await self._connection.fetch(f"{_SELECT} WHERE country = $1", country.value)
        return Holidays(from_row(HolidayRecord, row) for row in rows)

    async def by_date(self, dates: Collection[dt.date]) -> dict[tuple[Country, dt.date], HolidayRecord]:
        rows = await self._connection.fetch(f"{_SELECT} WHERE date = ANY ($1)", list(dates))
        holidays = [from_row(HolidayRecord, row) for row in rows]
        return {(holiday.country, holiday.date): holiday for holiday in holidays}

    async def save(self, holidays: Sequence[HolidayRecord]) -> None:
        await self._connection.executemany(_SAVE, [to_row(holiday) for holiday in holidays])
