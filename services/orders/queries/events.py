"""The event log for partners and the gateway (P1, P4)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access import decision
from services.access.caller import Caller
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events import event_log
from services.chassis.events.event_log import Cursor, LogBounds, LoggedEvent
from services.chassis.ids import find_id, write_id
from services.chassis.problems import MalformedInput
from services.contracts.orders.event_log import EVENTS_PER_PAGE, CursorExpired, EventPage, OrderEvent
from services.contracts.permission import SubjectKind
from services.contracts.values import Id, Refusal, range_problem, refuse


async def events(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    after: str | None,
    first: int,
    types: Sequence[str] | None,
    organisation_id: Id | None,
) -> EventPage | CursorExpired | Refusal:
    """Return the public events after a cursor, of the organisations that the caller reaches now.

    The page's cursor is the last position that was read, not the last event of the page: a filter that no event passes
    moves the cursor, too.
    """
    if problem := range_problem(first, EVENTS_PER_PAGE, "first"):
        raise MalformedInput("first", **problem.params)
    # One snapshot, so that the bounds and the page are of the same log.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        organisations = await _visible_organisations(connection, caller, day, organisation_id)
        if isinstance(organisations, Refusal):
            return organisations
        bounds = await event_log.read_bounds(connection)
        position = bounds.resolve(after)
        if position is None:
            return CursorExpired(start=str(bounds.start))
        page = await event_log.read_page(
            connection, position.sequence, bounds.last_sequence, first, types, organisations
        )
    scanned = page[-1].sequence if len(page) == first else bounds.last_sequence
    return EventPage(
        events=[_to_order_event(bounds, logged) for logged in page],
        cursor=str(Cursor(bounds.generation, scanned)),
        end=scanned == bounds.last_sequence,
    )


async def _visible_organisations(
    connection: DatabaseConnection, caller: Caller, day: dt.date, organisation_id: Id | None
) -> list[uuid.UUID] | Refusal | None:
    """Return the organisations whose events are shown; None is all.

    A service without an actor reads all events: the gateway feeds its subscriptions so.
    """
    own_account = caller.kind is SubjectKind.SERVICE and not caller.actor
    reached = None if own_account else await decision.reachable_organisations(connection, caller, day)
    if organisation_id is None:
        return reached
    requested_id = find_id("org", organisation_id)
    if requested_id is None or (reached is not None and requested_id not in reached):
        return refuse("NOT_FOUND", "organisationId")
    return [requested_id]


def _to_order_event(bounds: LogBounds, logged: LoggedEvent) -> OrderEvent:
    organisation_id = logged.organisation_id
    return OrderEvent(
        id=str(logged.event_id),
        cursor=str(Cursor(bounds.generation, logged.sequence)),
        sequence=logged.sequence,
        type=logged.type,
        time=logged.time,
        subject=logged.subject,
        organisation_id=write_id("org", organisation_id) if organisation_id else None,
        data=logged.data.decode(),
    )
