"""The import of routes from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError
from services.orders.domain.routes import Route
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.reference_data import merge_rows, validity_problem


async def import_routes(tx: OrdersStore, rows: Sequence[Route]) -> list[RowResult | RowError]:
    """Save the route of each row that adds or changes one."""
    known = await tx.routes.by_number({row.route_number for row in rows})
    results, changed = merge_rows(rows, known, lambda row: row.route_number, validity_problem)
    await tx.routes.save(changed)
    return results
