"""Look-ups of articles, which are the same for every customer ($1 caller, $2 day)."""

import datetime as dt
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import BILLING_ANYWHERE
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import find_id
from services.contracts.orders.articles import Article
from services.contracts.values import Id
from services.orders.mapping.responses import article_response
from services.orders.store.articles import PostgresArticleRepository


async def articles_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Article | None]:
    """Return the articles with these ids, in their order; None for one that does not exist."""
    requested_ids = [find_id("article", text) for text in ids]
    rows = await PostgresArticleRepository(connection).by_id(one for one in requested_ids if one)
    billing = bool(rows) and await connection.fetchval(BILLING_ANYWHERE, caller.subject_id, day)
    found = {
        article_id: article_response(article_id, prices, caller.language, day, billing=billing)
        for article_id, prices in rows.items()
    }
    return [found.get(requested) if requested else None for requested in requested_ids]
