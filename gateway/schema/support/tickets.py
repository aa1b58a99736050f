"""Query tickets."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.support.tickets import Ticket, TicketFilter, TicketOrder
from services.contracts.values import Connection, Doc


@field()
def tickets(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[TicketFilter | None, Doc("The conditions that the tickets meet; None: no condition.")] = None,
    order: Annotated[TicketOrder | None, Doc("The order; None: the latest ones first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Ticket]]:
    """The tickets that the caller may see (S2)."""
    return raw_client(info.context.clients.support).tickets(
        requested_page(info, first, after, last, before, updated_after), filter, order
    )
