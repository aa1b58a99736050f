"""The caller's orders."""

from gateway.schema.declare import Info, field
from services.chassis.rpc.undecoded import undecoded
from services.contracts.orders import Order, OrderState
from services.contracts.values import Connection, Id, Page


@field()
async def orders(
    info: Info,
    first: int = 50,
    after: str | None = None,
    site_id: Id | None = None,
    states: list[OrderState] | None = None,
) -> Connection[Order]:
    """The caller's orders, newest first (O8)."""
    return await undecoded(info.context.orders).orders(Page(first=first, after=after), site_id, states)
