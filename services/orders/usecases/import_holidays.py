"""The import of holidays from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError
from services.orders.domain.holidays import HolidayRecord
from services.orders.usecases.move_pickups import MOVED_PICKUPS, moved_days
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.reference_data import merge_rows


async def import_holidays(tx: OrdersStore, rows: Sequence[HolidayRecord]) -> list[RowResult | RowError]:
    """Save the holiday of each row that adds or changes one, and start the events of the pickups that it moves.

    Calendars follow at once: they are not stored.
    """
    known = await tx.holidays.by_date({row.date for row in rows})
    results, changed = merge_rows(rows, known, lambda row: (row.country, row.date), lambda row: None)
    before = await tx.holidays.of_zone(tx.clock.zone.key)
    await tx.holidays.save(changed)
    for day in moved_days(before, await tx.holidays.of_zone(tx.clock.zone.key), tx.today):
        await tx.start_fan_out(MOVED_PICKUPS, day.isoformat())
    return results
