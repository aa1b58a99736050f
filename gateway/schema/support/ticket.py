"""A conversation with customer service."""

from gateway.execution.batch import WantedFields
from gateway.schema.contract_types import join
from gateway.schema.declare import Info, joined
from gateway.schema.sites.look_up import look_up_sites
from services.contracts.sites import Site
from services.contracts.support import Ticket


@joined(needs=["site_id"])
async def site(tickets: list[Ticket], info: Info, fields: WantedFields) -> list[Site | None]:
    """The site that it is about."""
    return await look_up_sites(info.context, [ticket.site_id for ticket in tickets], fields)


join(Ticket, site, node=True)
