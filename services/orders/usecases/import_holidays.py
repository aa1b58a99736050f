"""Taking in holidays from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError
from services.orders.domain.holidays import HolidayRecord
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.reference_data import merge_rows


async def import_holidays(tx: OrdersStore, rows: Sequence[HolidayRecord]) -> list[RowResult | RowError]:
    """Keep each row's holiday; calendars follow at once."""
    known = await tx.holidays_by_date({row.date for row in rows})
    results, kept = merge_rows(rows, known, lambda row: (row.country, row.date), lambda row: None)
    await tx.save_holidays(kept)
    return results
