"""Fields of MailSuppression from other services."""

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_actors, load_sites, load_tickets
from services.contracts.identity.actors import Actor
from services.contracts.sites import Site
from services.contracts.support.mail_suppressions import MailSuppression
from services.contracts.support.tickets import Ticket


@batch_field(needs=["user_id"])
async def user(suppressions: list[MailSuppression], info: Info) -> list[Actor | None]:
    """The user whose mail came back; null for another kind of recipient, and for one who is not known any more."""
    return await load_actors(info.context, [one.user_id for one in suppressions])


@batch_field(needs=["site_id"])
async def site(suppressions: list[MailSuppression], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site whose contact person's mail came back; null for another kind of recipient."""
    return await load_sites(info.context, [one.site_id for one in suppressions], fields)


@batch_field(needs=["ticket_id"])
async def ticket(suppressions: list[MailSuppression], info: Info) -> list[Ticket | None]:
    """The ticket whose sender's mail came back; null for another kind of recipient."""
    return await load_tickets(info.context, [one.ticket_id for one in suppressions])


extend_type(MailSuppression, user, site, ticket, node=True, hidden=["user_id"])
