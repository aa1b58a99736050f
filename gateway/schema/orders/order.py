"""An order, and what it is about."""

from gateway.execution.batch import WantedFields
from gateway.schema.contract_types import join
from gateway.schema.declare import Info, each, joined
from gateway.schema.sites.look_up import look_up_sites
from services.contracts.orders import Agreement, Order
from services.contracts.sites import Site


@joined(needs=["site_id"])
async def site(orders: list[Order], info: Info, fields: WantedFields) -> list[Site | None]:
    """The site that it is for."""
    return await look_up_sites(info.context, [order.site_id for order in orders], fields)


@joined(needs=["agreement_id"])
async def agreement(orders: list[Order], info: Info) -> list[Agreement | None]:
    """The agreement that it goes beyond."""
    return await each([order.agreement_id for order in orders], info.context.orders.agreements_by_id)


join(Order, site, agreement, node=True)
