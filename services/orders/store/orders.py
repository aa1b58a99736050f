"""Orders with their timelines in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Row
from services.contracts.orders.orders import OrderKind, OrderState, Step
from services.contracts.sites import Fraction
from services.contracts.values import Money
from services.orders.domain.order import WITHDRAWN_STATES, OrderRecord
from services.orders.domain.pickup import PickupRecord, ordered_pickup

COLUMNS = """
    o.id, o.number, o.kind, o.state, o.organisation_id, o.site_id, o.agreement_id, o.article_id, o.fraction, o.date,
    o.price, o.placed_at, o.timeline, o.version
"""
_WITHDRAWN = ", ".join(f"'{state.value}'" for state in sorted(WITHDRAWN_STATES, key=lambda state: state.value))
_LOCK_OF_AGREEMENTS = f"""
    SELECT {COLUMNS} FROM orders o
    WHERE o.agreement_id = ANY ($1) AND (o.date = ANY ($2) OR o.id = ANY ($3)) AND o.state NOT IN ({_WITHDRAWN})
    ORDER BY o.id FOR UPDATE
"""
_AGREEMENT_IDS = "SELECT id, agreement_id FROM orders WHERE id = ANY ($1)"
_PICKUPS = f"SELECT id, agreement_id, date FROM orders WHERE state NOT IN ({_WITHDRAWN})"
_IDS_BY_KEY = "SELECT pickup_key, id FROM orders WHERE pickup_key = ANY ($1)"
_SAVE = """
    INSERT INTO orders (id, number, kind, state, organisation_id, site_id, agreement_id, article_id, fraction, date,
                        price, placed_at, timeline, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, timeline = excluded.timeline, version = excluded.version
"""


def to_order(row: Row) -> OrderRecord:
    """Return the order of a row with ``COLUMNS``."""
    return OrderRecord(
        id=row["id"],
        number=row["number"],
        kind=OrderKind(row["kind"]),
        state=OrderState(row["state"]),
        organisation_id=row["organisation_id"],
        site_id=row["site_id"],
        agreement_id=row["agreement_id"],
        article_id=row["article_id"],
        fraction=Fraction(row["fraction"]),
        date=row["date"],
        price=msgspec.json.decode(row["price"], type=Money) if row["price"] else None,
        placed_at=row["placed_at"],
        timeline=msgspec.json.decode(row["timeline"], type=tuple[Step, ...]),
        version=row["version"],
    )


def _to_row(record: OrderRecord) -> tuple[object, ...]:
    return (
        record.id,
        record.number,
        record.kind.value,
        record.state.value,
        record.organisation_id,
        record.site_id,
        record.agreement_id,
        record.article_id,
        record.fraction.value,
        record.date,
        msgspec.json.encode(record.price).decode() if record.price else None,
        record.placed_at,
        msgspec.json.encode(record.timeline).decode(),
        record.version,
    )


class PostgresOrderRepository:
    """Implements ``usecases.ports.orders.OrderRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def agreement_ids(self, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        rows = await self._connection.fetch(_AGREEMENT_IDS, list(order_ids))
        return {row["id"]: row["agreement_id"] for row in rows}

    async def ids_by_key(self, keys: Collection[int]) -> dict[int, uuid.UUID]:
        return {row["pickup_key"]: row["id"] for row in await self._connection.fetch(_IDS_BY_KEY, list(keys))}

    async def lock_of_agreements(
        self, agreement_ids: Iterable[uuid.UUID], dates: Collection[dt.date], order_ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, OrderRecord]:
        rows = await self._connection.fetch(_LOCK_OF_AGREEMENTS, list(agreement_ids), list(dates), list(order_ids))
        return {row["id"]: to_order(row) for row in rows}

    async def extra_pickups(
        self, agreement_ids: Sequence[uuid.UUID], since: dt.date, until: dt.date
    ) -> list[PickupRecord]:
        """Return the pickups that were ordered for these agreements and days, as they were planned."""
        return await self._pickups("agreement_id = ANY ($1) AND date BETWEEN $2 AND $3", agreement_ids, since, until)

    async def pickups_by_key(self, keys: Collection[int]) -> list[PickupRecord]:
        """Return the pickups of the orders with these keys (``domain.pickup_id``), as they were planned."""
        return await self._pickups("pickup_key = ANY ($1)", list(keys))

    async def pickups_of(self, order_ids: Collection[uuid.UUID]) -> list[PickupRecord]:
        """Return the pickups of these orders, as they were planned."""
        return await self._pickups("id = ANY ($1)", list(order_ids))

    async def _pickups(self, condition: str, *values: object) -> list[PickupRecord]:
        rows = await self._connection.fetch(f"{_PICKUPS} AND {condition}", *values)
        return [ordered_pickup(row["agreement_id"], row["id"], row["date"]) for row in rows]

    async def next_number(self) -> int:
        return int(await self._connection.fetchval("SELECT nextval('order_numbers')"))

    async def save(self, orders: Sequence[OrderRecord]) -> None:
        await self._connection.executemany(_SAVE, [_to_row(order) for order in orders])
