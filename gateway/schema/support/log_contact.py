"""Mutation logContact."""

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import ContactLogged, LogContact
from services.contracts.values import Refusal


@field("LogContactResult")
async def log_contact(info: Info, input: LogContact) -> ContactLogged | Refusal:
    """Write down a call, a letter or a visit of a customer as a ticket (S2). Staff only."""
    return await info.context.clients.support.log_contact(input)
