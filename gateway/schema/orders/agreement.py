"""Fields of Agreement from other contracts."""

from collections.abc import Awaitable

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.sites.site_loader import load_sites
from services.chassis.rpc.raw_result import raw_client
from services.contracts.orders.agreements import Agreement, Offers
from services.contracts.sites import Site
from services.contracts.values import Refusal


@batch_field(needs=["site_id"])
async def site(agreements: list[Agreement], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site of the agreement; null if the caller may not see it."""
    return await load_sites(info.context, [agreement.site_id for agreement in agreements], fields)


@batch_field("OffersResult", needs=["id"], weight=5)
def extra_pickup_offers(agreements: list[Agreement], info: Info) -> Awaitable[list[Offers | Refusal]]:
    """The days for which an extra pickup can be ordered now, with price and cut-off (O3)."""
    return raw_client(info.context.clients.orders).extra_pickup_offers([agreement.id for agreement in agreements])


extend_type(Agreement, site, extra_pickup_offers, node=True)
