"""The port of articles."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from services.orders.domain.price import ArticlePrice


class ArticleRepository(Protocol):
    """Articles with their prices."""

    async def by_id(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ArticlePrice]]:
        """Return all prices of these articles, by the article's id."""
        ...

    async def by_number(self, numbers: Collection[str]) -> dict[tuple[str, dt.date], ArticlePrice]:
        """Return all prices of these articles, by the article's number and the price's first day."""
        ...

    async def ids(self, numbers: Collection[str]) -> dict[str, uuid.UUID]: ...

    async def save(self, prices: Sequence[ArticlePrice]) -> None:
        """Save prices; a new number becomes an article."""
        ...
