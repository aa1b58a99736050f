"""Taking in articles and their prices from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.orders.domain import waste_codes
from services.orders.domain.price import ArticlePrice
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.reference_data import merge_rows, validity_problem


async def import_articles(tx: OrdersStore, rows: Sequence[ArticlePrice]) -> list[RowResult | RowError]:
    """Keep each row: an article's description and price from a day on. Its number names an article."""
    known = await tx.articles_by_number({row.article_number for row in rows})
    results, kept = merge_rows(rows, known, lambda row: (row.article_number, row.valid_from), _problem)
    await tx.save_articles(kept)
    return results


def _problem(row: ArticlePrice) -> RowError | None:
    if not waste_codes.is_known(row.waste_code, row.valid_from, row.valid_until):
        return row_error("waste_code", "UNKNOWN", value=row.waste_code)
    return validity_problem(row)
