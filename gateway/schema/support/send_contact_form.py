"""The contact form."""

from gateway.schema.fields import Info, field
from services.contracts.support import ContactFormReceived, SendContactForm
from services.contracts.values import Refusal


@field("SendContactFormResult")
async def send_contact_form(info: Info, input: SendContactForm) -> ContactFormReceived | Refusal:
    """Write to customer service about a site (S1); a receipt comes by mail."""
    return await info.context.support.send_contact_form(input)
