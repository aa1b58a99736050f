"""Fields of Order from other contracts."""

from collections.abc import Awaitable

from gateway.execution.cost.directives import ListSize
from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_agreements, load_organisations, load_sites
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.orders import Order
from services.contracts.orders.pickups import Pickup
from services.contracts.sites import Site


@batch_field(needs=["organisation_id"])
async def organisation(orders: list[Order], info: Info) -> list[Organisation | None]:
    """The organisation of the order; null if the caller may not see it."""
    return await load_organisations(info.context, [order.organisation_id for order in orders])


@batch_field(needs=["site_id"])
async def site(orders: list[Order], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site of the order; null if the caller may not see it."""
    return await load_sites(info.context, [order.site_id for order in orders], fields)


@batch_field(needs=["agreement_id"])
async def agreement(orders: list[Order], info: Info) -> list[Agreement | None]:
    """The agreement of the order; null if the caller may not see it."""
    return await load_agreements(info.context, [order.agreement_id for order in orders])


@batch_field(needs=["id"], size=ListSize(assumed_size=1))
def pickups(orders: list[Order], info: Info) -> Awaitable[list[list[Pickup]]]:
    """The pickups of the order, planned or done, that the caller may see; none of an order that was withdrawn."""
    return raw_client(info.context.clients.orders).pickups_of_orders([order.id for order in orders])


extend_type(Order, organisation, site, agreement, pickups, node=True)
