"""A stub of support."""

import uuid

from services.chassis.ids import write_id
from services.contracts.support.tickets import (
    ContactFormReceived,
    SendContactForm,
    Ticket,
    TicketFilter,
    TicketOrder,
    TicketState,
)
from services.contracts.values import Connection, Page, Refusal, refuse
from tests.gateway.stubs.samples import NOW, ORGANISATION, page_of


class SupportStub:
    service = "support"

    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        if command.message == "one too many":
            return refuse("TOO_MANY_MESSAGES", retryable=True, seconds=1234)
        return ContactFormReceived(ticket=_ticket(command))

    async def tickets(
        self, page: Page, filter: TicketFilter | None = None, order: TicketOrder | None = None
    ) -> Connection[Ticket]:
        return page_of([], page)

    async def tickets_by_id(self, ids: list[str]) -> list[Ticket | None]:
        return [None for _ in ids]


def _ticket(command: SendContactForm) -> Ticket:
    return Ticket(
        id=write_id("ticket", uuid.UUID(int=1)),
        number="T-1",
        organisation_id=ORGANISATION,
        site_id=command.site_id,
        topic=command.topic,
        state=TicketState.OPEN,
        message=command.message,
        contact_preference=command.contact_preference,
        opened_at=NOW,
    )
