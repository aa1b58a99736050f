"""Articles with their prices in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.chassis.ids import new_uuid
from services.orders.domain.price import ArticlePrice

_SELECT = """
    SELECT a.id, p.article_number, p.name_fi, p.name_sv, p.name_nb, p.name_en, p.fraction, p.waste_code, p.unit,
           p.net_minor, p.vat_rate, p.currency, p.valid_from, p.valid_until
    FROM articles a JOIN article_prices p USING (article_number)
"""
_IDS = "SELECT article_number, id FROM articles WHERE article_number = ANY ($1)"
_ADD = "INSERT INTO articles (id, article_number) VALUES ($1, $2) ON CONFLICT (article_number) DO NOTHING"
_SAVE = """
    INSERT INTO article_prices (article_number, name_fi, name_sv, name_nb, name_en, fraction, waste_code, unit,
                                net_minor, vat_rate, currency, valid_from, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (article_number, valid_from) DO UPDATE SET
        name_fi = excluded.name_fi, name_sv = excluded.name_sv, name_nb = excluded.name_nb,
        name_en = excluded.name_en, fraction = excluded.fraction, waste_code = excluded.waste_code,
        unit = excluded.unit, net_minor = excluded.net_minor, vat_rate = excluded.vat_rate,
        currency = excluded.currency, valid_until = excluded.valid_until
"""


class PostgresArticleRepository:
    """Implements ``usecases.ports.articles.ArticleRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def by_id(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ArticlePrice]]:
        prices: dict[uuid.UUID, list[ArticlePrice]] = {}
        for row in await self._connection.fetch(f"{_SELECT} WHERE a.id = ANY ($1)", list(set(ids))):
            prices.setdefault(row["id"], []).append(from_row(ArticlePrice, row))
        return prices

    async def by_number(self, numbers: Collection[str]) -> dict[tuple[str, dt.date], ArticlePrice]:
        rows = await self._connection.fetch(f"{_SELECT} WHERE a.article_number = ANY ($1)", list(numbers))
        return {(row["article_number"], row["valid_from"]): from_row(ArticlePrice, row) for row in rows}

    async def ids(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        return {row["article_number"]: row["id"] for row in await self._connection.fetch(_IDS, list(numbers))}

    async def save(self, prices: Sequence[ArticlePrice]) -> None:
        known = await self.ids([price.article_number for price in prices])
        new = {price.article_number for price in prices} - known.keys()
        await self._connection.executemany(_ADD, [(new_uuid(), number) for number in sorted(new)])
        await self._connection.executemany(_SAVE, [to_row(price) for price in prices])
