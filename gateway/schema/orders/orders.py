"""Query orders."""

from collections.abc import Awaitable

from gateway.schema.fields import Info, field, is_total_selected
from services.chassis.rpc.raw_result import raw_client
from services.contracts.orders import Order, OrderState
from services.contracts.values import Connection, Id, Page


@field()
def orders(
    info: Info,
    first: int = 50,
    after: str | None = None,
    site_id: Id | None = None,
    states: list[OrderState] | None = None,
) -> Awaitable[Connection[Order]]:
    """The orders that the caller may see, newest first (O8)."""
    return raw_client(info.context.clients.orders).orders(
        Page(first=first, after=after, total=is_total_selected(info)), site_id, states
    )
