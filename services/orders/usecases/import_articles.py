"""Taking in articles and their prices from the ERP (O16)."""

from collections.abc import Sequence

from services.chassis.export_files import Result
from services.chassis.row_reader import Bad, bad
from services.orders.domain import waste_codes
from services.orders.domain.price import Article
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.settle import ends_early, settle


async def import_articles(tx: OrdersStore, rows: Sequence[Article]) -> list[Result | Bad]:
    """Keep each row: an article's description and price from a day on. Its number names an article."""
    known = await tx.articles_by_number({row.article_number for row in rows})
    results, kept = settle(rows, known, lambda row: (row.article_number, row.valid_from), _fault)
    await tx.save_articles(kept)
    return results


def _fault(row: Article) -> Bad | None:
    if not waste_codes.is_known(row.waste_code, row.valid_from, row.valid_until):
        return bad("waste_code", "UNKNOWN", value=row.waste_code)
    return ends_early(row)
