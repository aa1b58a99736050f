"""Taking in routes from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.export_files import Result
from services.chassis.row_reader import Bad
from services.orders.domain.routes import Route
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.settle import ends_early, settle


async def import_routes(tx: OrdersStore, rows: Sequence[Route]) -> list[Result | Bad]:
    """Keep each row's route."""
    known = await tx.routes_by_number({row.route_number for row in rows})
    results, kept = settle(rows, known, lambda row: row.route_number, ends_early)
    await tx.save_routes(kept)
    return results
