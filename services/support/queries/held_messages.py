"""Lists and look-ups of messages that are held after a restore, for staff."""

import uuid
from collections.abc import Sequence

from services.access.listing import id_restrictions
from services.chassis.db.keyset_query import SortOrder, fetch_page
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedRows
from services.contracts.identity.people import Language
from services.contracts.support.held_messages import (
    HeldMessage,
    HeldMessageFilter,
    HeldMessageOrder,
    HeldMessageOrderField,
)
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.support.mapping.held_messages import held_message_response
from services.support.store.held_messages import HELD_COLUMNS, to_held_message

_LISTED = ListedRows(list="heldMessages", prefix="held", rows="held_messages h", id="h.id", marks=("h.changed_in",))
_OLDEST_FIRST = HeldMessageOrder(field=HeldMessageOrderField.CAUSED_AT)
_BY_ID = f"SELECT {HELD_COLUMNS} FROM held_messages WHERE id = ANY ($1)"


async def held_messages(
    connection: DatabaseConnection,
    language: Language,
    page: Page,
    filter: HeldMessageFilter | None,
    order: HeldMessageOrder | None,
) -> RelayConnection[HeldMessage]:
    """Return a page of the held messages."""
    asked, order = filter or HeldMessageFilter(), order or _OLDEST_FIRST
    part: KeysetPage[HeldMessage] = KeysetPage(page, (TimestampKey, uuid.UUID), "heldMessages", order, asked)
    query = SqlQuery()
    if asked.states is not None:
        query.where("h.state = ANY ({})", sorted({one.value for one in asked.states}))
    if asked.kinds is not None:
        query.where("h.kind = ANY ({})", sorted({one.value for one in asked.kinds}))
    for restriction in id_restrictions(
        ("h.organisation_id", "org", asked.organisation_ids), ("h.site_id", "site", asked.site_ids)
    ):
        query.where(restriction.condition("{}"), restriction.values)
    rows, total, updates = await fetch_page(
        connection,
        "held_messages h",
        HELD_COLUMNS,
        query,
        part,
        SortOrder(("h.caused_at", "h.id"), descending=order.direction is SortDirection.DESC),
        _LISTED,
    )
    nodes = [([row["caused_at"], row["id"]], held_message_response(to_held_message(row), language)) for row in rows]
    return part.connection(nodes, total, updates)


async def held_messages_by_id(
    connection: DatabaseConnection, language: Language, ids: Sequence[Id]
) -> list[HeldMessage | None]:
    """Return the held messages with these ids, in their order; None for one that does not exist."""
    return await fetch_by_ids(
        connection, _BY_ID, (), "held", ids, lambda row: held_message_response(to_held_message(row), language)
    )
