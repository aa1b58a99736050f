"""Mutation sendPublicForm."""

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import PublicFormReceived, SendPublicForm
from services.contracts.values import Refusal


@field("SendPublicFormResult")
async def send_public_form(info: Info, input: SendPublicForm) -> PublicFormReceived | Refusal:
    """Send a message to customer service without signing in (S1). The answer has the number of the ticket."""
    return await info.context.clients.support.send_public_form(input)
