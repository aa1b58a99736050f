"""Fields of Ticket from other services."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_organisations, load_sites
from services.contracts.identity.organisations import Organisation
from services.contracts.sites import Site
from services.contracts.support import Ticket


@batch_field(needs=["organisation_id"])
async def organisation(tickets: list[Ticket], info: Info) -> list[Organisation | None]:
    """The organisation of the ticket; null if the caller may not see it."""
    return await load_organisations(info.context, [ticket.organisation_id for ticket in tickets])


@batch_field(needs=["site_id"])
async def site(tickets: list[Ticket], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site that the ticket is about; null if the caller may not see it."""
    return await load_sites(info.context, [ticket.site_id for ticket in tickets], fields)


extend_type(Ticket, organisation, site, node=True)
