"""The caller's orders."""

from collections.abc import Awaitable

from gateway.schema.declare import Info, field, total_wanted
from services.chassis.rpc.undecoded import undecoded
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
    """The caller's orders, newest first (O8)."""
    return undecoded(info.context.orders).orders(
        Page(first=first, after=after, total=total_wanted(info)), site_id, states
    )
