"""Query events."""

from typing import Annotated

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from gateway.schema.orders.event_arguments import AFTER, FILTER
from gateway.subscriptions.typed_events import typed_page
from services.contracts.orders.event_log import EVENTS_PER_PAGE, CursorExpired, EventPage, OrderEventFilter
from services.contracts.values import Cursor, Doc, Refusal


@field("EventsResult", size=ListSize(slicing_arguments=["first"], sized_fields=["events"]))
async def events(
    info: Info,
    after: Annotated[Cursor | None, AFTER] = None,
    first: Annotated[int, Doc("The most events that the page has."), EVENTS_PER_PAGE] = 100,
    filter: Annotated[OrderEventFilter | None, FILTER] = None,
) -> EventPage | CursorExpired | Refusal:
    """A page of public events, for clients that poll (P4).

    Members see those of their organisations and sites, partners with ``orders:subscribe`` those of their customers,
    staff all.
    """
    page = await info.context.clients.orders.events(after, first, filter)
    return typed_page(page) if isinstance(page, EventPage) else page
