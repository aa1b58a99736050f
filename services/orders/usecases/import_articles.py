"""The import of articles and their prices from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.orders.domain import waste_codes
from services.orders.domain.price import ArticlePrice
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.reference_data import merge_rows, validity_problem


async def import_articles(tx: OrdersStore, rows: Sequence[ArticlePrice]) -> list[RowResult | RowError]:
    """Save each row that adds or changes an article's description and price from a day on."""
    known = await tx.articles.by_number({row.article_number for row in rows})
    results, changed = merge_rows(rows, known, lambda row: (row.article_number, row.valid_from), _problem)
    await tx.articles.save(changed)
    return results


def _problem(row: ArticlePrice) -> RowError | None:
    if not waste_codes.is_known(row.waste_code, row.valid_from, row.valid_until):
        return row_error("waste_code", "UNKNOWN", value=row.waste_code)
    return validity_problem(row)
