"""Query orders."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, is_total_selected
from services.chassis.rpc.raw_result import raw_client
from services.contracts.orders.orders import Order, OrderState
from services.contracts.values import Connection, Doc, Id, Page


@field()
def orders(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    site_id: Annotated[Id | None, Doc("Orders of this site alone; None: of all sites.")] = None,
    states: Annotated[list[OrderState] | None, Doc("Orders in these states alone; None: in all states.")] = None,
) -> Awaitable[Connection[Order]]:
    """The orders that the caller may see, newest first (O8)."""
    return raw_client(info.context.clients.orders).orders(
        Page(first=first, after=after, last=last, before=before, total=is_total_selected(info)), site_id, states
    )
