"""Fields of Pickup from other contracts and operations."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_agreements, load_orders, load_sites
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.orders import Order
from services.contracts.orders.pickups import Pickup
from services.contracts.sites import Site


@batch_field(needs=["site_id"])
async def site(pickups: list[Pickup], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site of the pickup; null if the caller may not see it."""
    return await load_sites(info.context, [pickup.site_id for pickup in pickups], fields)


@batch_field(needs=["agreement_id"])
async def agreement(pickups: list[Pickup], info: Info) -> list[Agreement | None]:
    """The agreement of the pickup; null if it has none, or the caller may not see it."""
    return await load_agreements(info.context, [pickup.agreement_id for pickup in pickups])


@batch_field(needs=["order_id"])
async def order(pickups: list[Pickup], info: Info) -> list[Order | None]:
    """The order of the pickup; null for a regular pickup, or if the caller may not see it."""
    return await load_orders(info.context, [pickup.order_id for pickup in pickups])


extend_type(Pickup, site, agreement, order, node=True)
