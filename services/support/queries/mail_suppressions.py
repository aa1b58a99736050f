"""The list and look-ups of suppressed addresses, for staff."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.chassis.db.keyset_query import SortOrder, fetch_page
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedRows
from services.contracts.support.mail_suppressions import (
    MailSuppression,
    MailSuppressionFilter,
    MailSuppressionOrder,
    MailSuppressionOrderField,
)
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.support.domain.mail_suppression import PERIOD
from services.support.mapping.responses import suppression_response
from services.support.store.mail_suppressions import SUPPRESSION_COLUMNS, to_suppression

_LISTED = ListedRows(
    list="mail_suppressions", prefix="suppression", rows="mail_suppressions s", id="s.id", marks=("s.changed_in",)
)
_LATEST_FIRST = MailSuppressionOrder(field=MailSuppressionOrderField.SINCE, direction=SortDirection.DESC)
_BY_ID = f"SELECT {SUPPRESSION_COLUMNS} FROM mail_suppressions WHERE since > $1 AND id = ANY ($2)"


async def mail_suppressions(
    connection: DatabaseConnection,
    now: dt.datetime,
    page: Page,
    filter: MailSuppressionFilter | None,
    order: MailSuppressionOrder | None,
) -> RelayConnection[MailSuppression]:
    """Return a page of the addresses that are suppressed now."""
    asked, order = filter or MailSuppressionFilter(), order or _LATEST_FIRST
    part: KeysetPage[MailSuppression] = KeysetPage(page, (TimestampKey, uuid.UUID), "mail_suppressions", order, asked)
    query = SqlQuery()
    query.where("s.since > {}", now - PERIOD)
    if asked.recipient_kinds is not None:
        kinds = sorted({one.value.lower() for one in asked.recipient_kinds})
        query.where("split_part(s.recipient, '_', 1) = ANY ({})", kinds)
    if asked.reasons is not None:
        query.where("s.reason = ANY ({})", sorted({one.value for one in asked.reasons}))
    rows, total, updates = await fetch_page(
        connection,
        "mail_suppressions s",
        SUPPRESSION_COLUMNS,
        query,
        part,
        SortOrder(("s.since", "s.id"), descending=order.direction is SortDirection.DESC),
        _LISTED,
    )
    nodes = [([row["since"], row["id"]], _to_response(row)) for row in rows]
    return part.connection(nodes, total, updates)


async def mail_suppressions_by_id(
    connection: DatabaseConnection, now: dt.datetime, ids: Sequence[Id]
) -> list[MailSuppression | None]:
    """Return the suppressions with these ids, in their order; None for one that is no more."""
    return await fetch_by_ids(connection, _BY_ID, (now - PERIOD,), "suppression", ids, _to_response)


def _to_response(row: Row) -> MailSuppression:
    return suppression_response(to_suppression(row))
