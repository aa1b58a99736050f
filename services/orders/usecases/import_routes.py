"""Taking in routes from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError
from services.orders.domain.routes import Route
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.reference_data import merge_rows, validity_problem


async def import_routes(tx: OrdersStore, rows: Sequence[Route]) -> list[RowResult | RowError]:
    """Keep each row's route."""
    known = await tx.routes_by_number({row.route_number for row in rows})
    results, kept = merge_rows(rows, known, lambda row: row.route_number, validity_problem)
    await tx.save_routes(kept)
    return results
