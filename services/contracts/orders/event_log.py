"""The log of public events, as clients read it."""

import datetime as dt
from typing import Annotated

import msgspec

from services.contracts.values import (
    Filter,
    Id,
    OrganisationId,
    Outcome,
    Range,
    SiteId,
    TextLimit,
    Value,
)

EVENTS_PER_PAGE = Range(1, 500)


class OrderEventFilter(Filter, frozen=True, kw_only=True):
    """The events of a page or a subscription: those that match every field."""

    types: list[Annotated[str, TextLimit(100)]] | None = None
    """Events of these CloudEvents types alone; None: of all types."""
    organisation_ids: list[OrganisationId] | None = None
    """Events of these organisations alone; None: of all that the caller may see."""
    site_ids: list[SiteId] | None = None
    """Events about these sites alone; None: about all that the caller may see."""


class OrderEvent(Value, frozen=True, kw_only=True):
    """A public event (P1).

    A new kind of event is an `OtherOrderEvent` until the gateway knows its fields.
    """

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
    site_id: Id | None
    """The id of the site; None if the event is about none."""
    data: msgspec.Raw
    """The event's data, as it was published."""

    def __hash__(self) -> int:
        # msgspec's own is of all fields, and Raw has none.
        return hash(self.cursor)


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
