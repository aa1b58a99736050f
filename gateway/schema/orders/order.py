"""Fields of Order from other contracts."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, load_many
from gateway.schema.sites.site_loader import load_sites
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.orders import Order
from services.contracts.sites import Site


@batch_field(needs=["site_id"])
async def site(orders: list[Order], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site of the order; null if the caller may not see it."""
    return await load_sites(info.context, [order.site_id for order in orders], fields)


@batch_field(needs=["agreement_id"])
async def agreement(orders: list[Order], info: Info) -> list[Agreement | None]:
    """The agreement of the order; null if the caller may not see it."""
    return await load_many([order.agreement_id for order in orders], info.context.clients.orders.agreements_by_id)


extend_type(Order, site, agreement, node=True)
