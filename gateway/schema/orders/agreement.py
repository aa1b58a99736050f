"""Fields of Agreement from other contracts."""

from collections.abc import Awaitable

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_agreements, load_containers, load_organisations, load_sites
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation
from services.contracts.orders.agreements import Agreement, Offers
from services.contracts.orders.articles import Article
from services.contracts.sites import Container, Site
from services.contracts.values import Refusal


@batch_field(needs=["organisation_id"])
async def organisation(agreements: list[Agreement], info: Info) -> list[Organisation | None]:
    """The organisation of the agreement; null if the caller may not see it."""
    return await load_organisations(info.context, [agreement.organisation_id for agreement in agreements])


@batch_field(needs=["container_id"])
async def container(agreements: list[Agreement], info: Info) -> list[Container | None]:
    """The container that is emptied; null if the caller may not see it."""
    return await load_containers(info.context, [agreement.container_id for agreement in agreements])


@batch_field(needs=["site_id"])
async def site(agreements: list[Agreement], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site of the agreement; null if the caller may not see it."""
    return await load_sites(info.context, [agreement.site_id for agreement in agreements], fields)


@batch_field("OffersResult", needs=["id"], weight=5)
def extra_pickup_offers(agreements: list[Agreement], info: Info) -> Awaitable[list[Offers | Refusal]]:
    """The days for which an extra pickup can be ordered now, with price and cut-off (O3)."""
    return raw_client(info.context.clients.orders).extra_pickup_offers([agreement.id for agreement in agreements])


@batch_field(needs=["agreement_id"])
async def agreement(offers: list[Offers], info: Info) -> list[Agreement | None]:
    """The agreement; null if the caller may not see it any more."""
    return await load_agreements(info.context, [one.agreement_id for one in offers])


extend_type(Agreement, organisation, site, container, extra_pickup_offers, node=True)
extend_type(Offers, agreement)
extend_type(Article, node=True)
