"""The log of public events, as partners read it."""

import datetime as dt

from services.contracts.values import (
    Id,
    Outcome,
    Range,
    Value,
)

EVENTS_PER_PAGE = Range(1, 500)


class OrderEvent(Value, frozen=True, kw_only=True):
    """A public event (P1)."""

    id: str
    """The global id."""
    cursor: str
    """The event's position: pass it as ``after`` to continue after the event."""
    sequence: int
    """The number among all events of the service: hidden events leave gaps."""
    type: str
    """The CloudEvents type, for example ``orders.order.placed``."""
    time: dt.datetime
    """The time of the event."""
    subject: Id
    """The id of the entity that the event is about."""
    organisation_id: Id | None
    """The id of the organisation; None if the event concerns none."""
    data: str
    """The event's data, as JSON text."""


class EventPage(Outcome, frozen=True, kw_only=True):
    """A page of events."""

    events: list[OrderEvent]
    """The events, in order."""
    cursor: str
    """The position at which the next page begins: pass it as ``after``."""
    end: bool
    """Whether there are no more events yet."""


class CursorExpired(Outcome, frozen=True, kw_only=True):
    """The cursor is of another generation or older than the log."""

    code: str = "CURSOR_EXPIRED"
    """Always CURSOR_EXPIRED."""
    start: str
    """The log's first cursor now."""
