"""The caller's conversations with customer service."""

from collections.abc import Awaitable

from gateway.schema.declare import Info, field, total_wanted
from services.chassis.rpc.undecoded import undecoded
from services.contracts.support import Ticket
from services.contracts.values import Connection, Id, Page


@field()
def tickets(
    info: Info, first: int = 50, after: str | None = None, site_id: Id | None = None
) -> Awaitable[Connection[Ticket]]:
    """The caller's tickets, newest first (S2)."""
    return undecoded(info.context.support).tickets(Page(first=first, after=after, total=total_wanted(info)), site_id)
