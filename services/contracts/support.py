"""Contract of support: contact form, tickets and mail (S1 to S7)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read, write
from services.contracts.permission import PEOPLE
from services.contracts.values import (
    Connection,
    Id,
    IdempotencyKey,
    MutationResult,
    Page,
    Refusal,
    SiteId,
    TextLimit,
    TicketId,
    Value,
)


class Topic(enum.Enum):
    """The topic of a message to customer service."""

    PICKUP = "PICKUP"
    CONTAINER = "CONTAINER"
    INVOICE = "INVOICE"
    AGREEMENT = "AGREEMENT"
    OTHER = "OTHER"


class ContactPreference(enum.Enum):
    """The way in which the sender of a message wants to be contacted; NONE: not at all."""

    NONE = "NONE"
    PHONE = "PHONE"
    EMAIL = "EMAIL"


class TicketState(enum.Enum):
    """The state of a ticket."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Ticket(Value, frozen=True, kw_only=True):
    """A ticket of customer service. ``number`` is its short number, for use on the telephone."""

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
    """The contact form (S1). ``message`` has 1 to 4,000 characters. ``phone`` is required if PHONE is preferred."""

    idempotency_key: IdempotencyKey
    site_id: SiteId
    topic: Topic
    message: Annotated[str, TextLimit(5_000, lines=True)]
    contact_preference: ContactPreference = ContactPreference.NONE
    phone: Annotated[str, TextLimit(100)] | None = None


class ContactFormReceived(MutationResult, frozen=True, kw_only=True):
    """The message was received; the sender gets a receipt by e-mail."""

    ticket: Ticket


@declare_event("support.ticket.opened", subject="ticket_id")
class TicketOpened(Event, frozen=True, kw_only=True):
    """A ticket was opened."""

    ticket_id: Id
    organisation_id: Id
    site_id: Id
    topic: Topic
    version: int


@declare_event("support.audit.recorded", subject="subject_id")
class SupportAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to support's audit log."""


class Support(Protocol):
    """Operations of support."""

    @write(PEOPLE)
    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        """Open a ticket about a site.

        A user may send ten an hour (staff: a hundred), an organisation thirty; a repeated form is not counted.
        Refused with NOT_FOUND, MALFORMED, IDEMPOTENCY_CONFLICT, NOT_READY_YET, TOO_MANY_MESSAGES.
        """
        ...

    @read(PEOPLE)
    async def tickets(self, page: Page, site_id: SiteId | None = None) -> Connection[Ticket]:
        """Return the tickets that the caller may see, newest first."""
        ...

    @read(PEOPLE)
    async def tickets_by_id(self, ids: list[TicketId]) -> list[Ticket | None]:
        """Return the tickets with these ids, in this order; None for one that the caller may not see."""
        ...
