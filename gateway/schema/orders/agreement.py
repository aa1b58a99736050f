"""An agreement, and what belongs to it."""

from collections.abc import Awaitable

from gateway.execution.batch import WantedFields
from gateway.schema.contract_types import join
from gateway.schema.declare import Info, joined
from gateway.schema.sites.look_up import look_up_sites
from services.chassis.rpc.undecoded import undecoded
from services.contracts.orders import Agreement, Offers
from services.contracts.sites import Site
from services.contracts.values import Refusal


@joined(needs=["site_id"])
async def site(agreements: list[Agreement], info: Info, fields: WantedFields) -> list[Site | None]:
    """The site that is served."""
    return await look_up_sites(info.context, [agreement.site_id for agreement in agreements], fields)


@joined("OffersResult", needs=["id"], weight=5)
def extra_pickup_offers(agreements: list[Agreement], info: Info) -> Awaitable[list[Offers | Refusal]]:
    """The days on which an extra pickup can be ordered now, with price and cut-off (O3)."""
    return undecoded(info.context.orders).extra_pickup_offers([agreement.id for agreement in agreements])


join(Agreement, site, extra_pickup_offers, node=True)
