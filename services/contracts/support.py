"""Support: the contact form, tickets and mail (S1 to S7)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.declare import Event, declare_event, read, write
from services.contracts.values import Connection, Id, IdempotencyKey, Outcome, Page, Refusal, TextLimit, Value


class Topic(enum.Enum):
    """What a message is about; the inbox is sorted by it."""

    PICKUP = "PICKUP"
    CONTAINER = "CONTAINER"
    INVOICE = "INVOICE"
    AGREEMENT = "AGREEMENT"
    OTHER = "OTHER"


class ContactPreference(enum.Enum):
    """How someone wants to be reached about a message."""

    NONE = "NONE"
    PHONE = "PHONE"
    EMAIL = "EMAIL"


class TicketState(enum.Enum):
    """Where a conversation stands."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Ticket(Value, frozen=True, kw_only=True):
    """A conversation with customer service. ``number`` is what one reads out on the telephone."""

    id: Id
    number: str
    organisation_id: Id
    site_id: Id
    topic: Topic
    state: TicketState
    message: str
    contact_preference: ContactPreference
    opened_at: dt.datetime


class SendContactForm(Value, frozen=True, kw_only=True):
    """The contact form (S1). ``message`` is 1 to 4,000 characters; ``phone`` goes with PHONE."""

    idempotency_key: IdempotencyKey
    site_id: Id
    topic: Topic
    message: Annotated[str, TextLimit(5_000, lines=True)]
    contact_preference: ContactPreference = ContactPreference.NONE
    phone: Annotated[str, TextLimit(100)] | None = None


class ContactFormReceived(Outcome, frozen=True, kw_only=True):
    """The message is here, and a receipt is on its way by mail."""

    ticket: Ticket


@declare_event("support.ticket.opened", subject="ticket_id")
class TicketOpened(Event, frozen=True, kw_only=True):
    """A conversation began."""

    ticket_id: Id
    organisation_id: Id
    site_id: Id
    topic: Topic
    version: int


class Support(Protocol):
    """What support offers."""

    @write
    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        """Open a ticket about a site.

        Ten an hour of a person (a hundred of staff), thirty of an organisation; the same form again is not counted.
        Refused with NOT_FOUND, MALFORMED, IDEMPOTENCY_CONFLICT, NOT_READY_YET, TOO_MANY_MESSAGES.
        """
        ...

    @read
    async def tickets(self, page: Page, site_id: Id | None = None) -> Connection[Ticket]:
        """The caller's tickets, newest first."""
        ...

    @read
    async def tickets_by_id(self, ids: list[Id]) -> list[Ticket | None]:
        """The tickets with these ids, in their order; None for one that the caller may not see."""
        ...
