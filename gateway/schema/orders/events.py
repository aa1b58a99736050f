"""Query events."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from gateway.schema.orders.event_arguments import AFTER, ORGANISATION, TYPES
from services.chassis.rpc.raw_result import raw_client
from services.contracts.orders.event_log import EVENTS_PER_PAGE, CursorExpired, EventPage
from services.contracts.values import Cursor, Doc, Id, Refusal


@field("EventsResult", size=ListSize(slicing_arguments=["first"], sized_fields=["events"]))
def events(
    info: Info,
    after: Annotated[Cursor | None, AFTER] = None,
    first: Annotated[int, Doc("The most events that the page has."), EVENTS_PER_PAGE] = 100,
    types: Annotated[list[str] | None, TYPES] = None,
    organisation_id: Annotated[Id | None, ORGANISATION] = None,
) -> Awaitable[EventPage | CursorExpired | Refusal]:
    """A page of public events, for clients that poll (P4). Partners with ``orders:subscribe``, and staff."""
    return raw_client(info.context.clients.orders).events(after, first, types, organisation_id)
