"""The import of holidays from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError
from services.orders.domain.holidays import HolidayRecord
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.reference_data import merge_rows


async def import_holidays(tx: OrdersStore, rows: Sequence[HolidayRecord]) -> list[RowResult | RowError]:
    """Save the holiday of each row that adds or changes one. Calendars follow at once: they are not stored."""
    known = await tx.holidays.by_date({row.date for row in rows})
    results, changed = merge_rows(rows, known, lambda row: (row.country, row.date), lambda row: None)
    await tx.holidays.save(changed)
    return results
