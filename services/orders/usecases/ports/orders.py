"""The port of orders."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from services.orders.domain.order import OrderRecord


class OrderRepository(Protocol):
    """Orders."""

    async def agreement_ids(self, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        """Return the id of each order's agreement."""
        ...

    async def ids_by_key(self, keys: Collection[int]) -> dict[int, uuid.UUID]:
        """Return the ids of the orders with these keys (``domain.pickup_id``), by key."""
        ...

    async def lock_of_agreements(
        self, agreement_ids: Iterable[uuid.UUID], dates: Collection[dt.date], order_ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, OrderRecord]:
        """Lock the agreements' orders on these days or with these ids, without the withdrawn ones."""
        ...

    async def next_number(self) -> int:
        """Return the next number. None is given twice, and some are left out."""
        ...

    async def save(self, orders: Sequence[OrderRecord]) -> None: ...
