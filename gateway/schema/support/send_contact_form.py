"""Mutation sendContactForm."""

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import ContactFormReceived, SendContactForm
from services.contracts.values import Refusal


@field("SendContactFormResult")
async def send_contact_form(info: Info, input: SendContactForm) -> ContactFormReceived | Refusal:
    """Send a message about a site to customer service (S1). The sender gets a receipt by e-mail."""
    return await info.context.clients.support.send_contact_form(input)
