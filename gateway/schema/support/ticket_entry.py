"""Fields of TicketEntry from other operations."""

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, load_many
from gateway.schema.loaders import load_actors
from services.contracts.identity.actors import Actor
from services.contracts.support.thread import TicketEntry
from services.contracts.support.tickets import Ticket


@batch_field(needs=["by"])
async def author(entries: list[TicketEntry], info: Info) -> list[Actor | None]:
    """The one who wrote the entry; null for a public form, for Kierto itself, and if they are not known any more."""
    return await load_actors(info.context, [entry.by for entry in entries])


@batch_field(needs=["ticket_id"])
async def ticket(entries: list[TicketEntry], info: Info) -> list[Ticket | None]:
    """The ticket of the entry."""
    tickets: list[Ticket | None] = await load_many(
        [entry.ticket_id for entry in entries], info.context.clients.support.tickets_by_id
    )
    return tickets


extend_type(TicketEntry, author, ticket, node=True, hidden=["by"])
