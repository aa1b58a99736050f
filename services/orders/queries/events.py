"""The event log for clients and the gateway (P1, P4)."""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.access import decision
from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import id_restrictions
from services.access.reach import ScopedTable, reached_page_query, restricted_page_query
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.query import SqlQuery
from services.chassis.events import event_log
from services.chassis.events.event_log import LOGGED_COLUMNS, START, Cursor, LogBounds, LoggedEvent
from services.chassis.ids import find_id, write_optional_id
from services.chassis.problems import MalformedInput
from services.contracts.orders.event_log import (
    EVENTS_PER_PAGE,
    CursorExpired,
    EventPage,
    OrderEvent,
    OrderEventFilter,
)
from services.contracts.permission import SubjectKind
from services.contracts.values import Refusal, range_problem, refuse

_SITE = "o.site_id"
_LOG = ScopedTable(name="chassis.outbox o", organisation="o.organisation_id", site=_SITE)
_IN_ORDER = SortOrder(("o.sequence",))
_COLUMNS = ", ".join(f"o.{column}" for column in LOGGED_COLUMNS.split(", "))


async def events(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    after: str | None,
    first: int,
    event_filter: OrderEventFilter,
) -> EventPage | CursorExpired | Refusal:
    """Return the public events after a cursor, of the organisations and sites that the caller reaches now.

    The page's cursor is the last position that was read, not the last event of the page: a filter that no event passes
    moves the cursor, too.
    """
    if problem := range_problem(first, EVENTS_PER_PAGE, "first"):
        raise MalformedInput("first", **problem.params)
    if after is not None and after != START and Cursor.parse(after) is None:
        raise MalformedInput("after", reason="OTHER_LIST")
    # One snapshot, so that the bounds and the page are of the same log.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        organisations = await _requested_organisations(connection, caller, day, event_filter)
        if isinstance(organisations, Refusal):
            return organisations
        bounds = await event_log.read_bounds(connection)
        position = bounds.resolve(after)
        if position is None:
            return CursorExpired(start=str(bounds.start))
        statement, values = _page_query(
            caller, day, position.sequence, bounds.last_sequence, first, event_filter, organisations
        )
        page = [LoggedEvent(*row) for row in await connection.fetch(statement, *values)]
    scanned = page[-1].sequence if len(page) == first else bounds.last_sequence
    return EventPage(
        events=[_to_order_event(bounds, logged) for logged in page],
        cursor=str(Cursor(bounds.generation, scanned)),
        end=scanned == bounds.last_sequence,
    )


async def _requested_organisations(
    connection: DatabaseConnection, caller: Caller, day: dt.date, event_filter: OrderEventFilter
) -> list[uuid.UUID] | Refusal | None:
    """Return the organisations of the filter; None if it has none, NOT_FOUND for one that the caller does not reach."""
    if event_filter.organisation_ids is None:
        return None
    requested = [find_id("org", text) for text in event_filter.organisation_ids]
    found = [one for one in requested if one is not None]
    unreached = set() if _reads_all(caller) else await decision.unreached_organisations(connection, caller, day, found)
    for index, one in enumerate(requested):
        if one is None or one in unreached:
            return refuse("NOT_FOUND", "filter", "organisationIds", str(index))
    return found


def _page_query(
    caller: Caller,
    day: dt.date,
    after: int,
    up_to: int,
    first: int,
    event_filter: OrderEventFilter,
    organisations: Sequence[uuid.UUID] | None,
) -> tuple[str, list[object]]:
    """Return the query for a page, and its values.

    A page of single sites is read by their index, any other by those of what the caller reaches.
    """
    reads_all = _reads_all(caller)
    query = SqlQuery() if reads_all else SqlQuery(caller.subject_id, day)
    window = f"o.public AND o.sequence > {query.value(after)} AND o.sequence <= {query.value(up_to)}"
    limit = query.value(first)
    if event_filter.types is not None:
        query.where("o.type = ANY ({})", event_filter.types)
    if event_filter.site_ids is None and not reads_all:
        in_organisations = query.value(organisations) if organisations is not None else ""
        statement = reached_page_query(
            _LOG,
            _COLUMNS,
            _IN_ORDER,
            limit,
            where=query.condition,
            after_condition=window,
            organisations=in_organisations,
        )
        return statement, query.values
    if not reads_all:
        query.where(visible("o.organisation_id", _SITE))
    if organisations is not None:
        query.where("o.organisation_id = ANY ({})", organisations)
    if event_filter.site_ids is None:
        rows = f"FROM {_LOG.name} WHERE {window} AND {query.condition}"
        return f"SELECT {_COLUMNS} {rows} {_IN_ORDER.clause} LIMIT {limit}", query.values
    (sites,) = id_restrictions((_SITE, "site", event_filter.site_ids))
    values = query.value(sites.values)
    statement = restricted_page_query(
        _LOG, _COLUMNS, _IN_ORDER, limit, sites, values, where=query.condition, after_condition=window
    )
    return statement, query.values


def _reads_all(caller: Caller) -> bool:
    """Return whether a service reads for itself: the gateway feeds its subscriptions so."""
    return caller.kind is SubjectKind.SERVICE and not caller.actor


def _to_order_event(bounds: LogBounds, logged: LoggedEvent) -> OrderEvent:
    organisation_id, site_id = logged.organisation_id, logged.site_id
    return OrderEvent(
        id=str(logged.event_id),
        cursor=str(Cursor(bounds.generation, logged.sequence)),
        sequence=logged.sequence,
        type=logged.type,
        time=logged.time,
        subject=logged.subject,
        organisation_id=write_optional_id("org", organisation_id),
        site_id=write_optional_id("site", site_id),
        data=msgspec.Raw(logged.data),
    )
