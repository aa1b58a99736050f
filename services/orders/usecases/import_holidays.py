"""Taking in holidays from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.export_files import Result
from services.chassis.row_reader import Bad
from services.orders.domain.holidays import Holiday
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.settle import settle


async def import_holidays(tx: OrdersStore, rows: Sequence[Holiday]) -> list[Result | Bad]:
    """Keep each row's holiday; calendars follow at once."""
    known = await tx.holidays_by_date({row.date for row in rows})
    results, kept = settle(rows, known, lambda row: (row.country, row.date), lambda row: None)
    await tx.save_holidays(kept)
    return results
