"""Query orders."""

from collections.abc import Awaitable
from typing import Annotated

from gateway.schema.fields import Info, field, requested_page
from services.chassis.rpc.raw_result import raw_client
from services.contracts.orders.orders import Order, OrderFilter, OrderOrder
from services.contracts.values import Connection, Doc


@field()
def orders(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[OrderFilter | None, Doc("The conditions that the orders meet; None: no condition.")] = None,
    order: Annotated[OrderOrder | None, Doc("The order; None: the latest placed ones first.")] = None,
    updated_after: str | None = None,
) -> Awaitable[Connection[Order]]:
    """The orders that the caller may see (O8)."""
    return raw_client(info.context.clients.orders).orders(
        requested_page(info, first, after, last, before, updated_after), filter, order
    )
