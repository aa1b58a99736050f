"""Fields of Ticket from other services."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.sites.site_loader import load_sites
from services.contracts.sites import Site
from services.contracts.support import Ticket


@batch_field(needs=["site_id"])
async def site(tickets: list[Ticket], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site that the ticket is about; null if the caller may not see it."""
    return await load_sites(info.context, [ticket.site_id for ticket in tickets], fields)


extend_type(Ticket, site, node=True)
