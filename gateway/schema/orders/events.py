"""Query events."""

from collections.abc import Awaitable

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.orders import CursorExpired, EventPage
from services.contracts.values import Id, Refusal


@field("EventsResult", size=ListSize(slicing_arguments=["first"], sized_fields=["events"]))
def events(
    info: Info,
    after: str | None = None,
    first: int = 100,
    types: list[str] | None = None,
    organisation_id: Id | None = None,
) -> Awaitable[EventPage | CursorExpired | Refusal]:
    """A page of public events, for clients that poll (P4). Partners with ``orders:subscribe``, and staff.

    ``after`` is a cursor, START for the whole log, or null for events from now on. ``first`` is 1 to 500.
    """
    return raw_client(info.context.clients.orders).events(after, first, types, organisation_id)
