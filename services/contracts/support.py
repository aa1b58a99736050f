"""Contract of support: contact form, tickets and mail (S1 to S7)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read, write
from services.contracts.permission import PEOPLE
from services.contracts.values import (
    Connection,
    Filter,
    Id,
    IdempotencyKey,
    Length,
    MutationResult,
    OrganisationId,
    Page,
    PhoneNumber,
    Refusal,
    SiteId,
    SortDirection,
    Sorting,
    TextLimit,
    TicketId,
    Value,
)

MESSAGE_LENGTH = Length(1, 4_000)


class Topic(enum.Enum):
    """The topic of a message to customer service."""

    PICKUP = "PICKUP"
    """A pickup."""
    CONTAINER = "CONTAINER"
    """The bins."""
    INVOICE = "INVOICE"
    """An invoice."""
    AGREEMENT = "AGREEMENT"
    """An agreement on regular pickups."""
    OTHER = "OTHER"
    """Anything else."""


class ContactPreference(enum.Enum):
    """The way in which the sender of a message wants to be contacted."""

    NONE = "NONE"
    """Not at all."""
    PHONE = "PHONE"
    """By telephone."""
    EMAIL = "EMAIL"
    """By e-mail."""


class TicketState(enum.Enum):
    """The state of a ticket."""

    OPEN = "OPEN"
    """Customer service has not dealt with it yet."""
    CLOSED = "CLOSED"
    """Customer service has dealt with it."""


class Ticket(Value, frozen=True, kw_only=True):
    """A ticket of customer service."""

    id: Id
    """The global id."""
    number: str
    """The short number, for use on the telephone."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site that it is about."""
    topic: Topic
    """The topic of the message."""
    state: TicketState
    """The state."""
    message: str
    """The message as it was sent, with line breaks."""
    contact_preference: ContactPreference
    """The way in which the sender wants to be contacted."""
    opened_at: dt.datetime
    """The time at which the message was received."""


class TicketFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of tickets."""

    site_ids: list[SiteId] | None = None
    """Tickets about one of these sites; None: about all."""
    organisation_ids: list[OrganisationId] | None = None
    """Tickets of one of these organisations; None: of all."""
    states: list[TicketState] | None = None
    """Tickets in one of these states; None: in all."""
    topics: list[Topic] | None = None
    """Tickets on one of these topics; None: on all."""


class TicketOrderField(enum.Enum):
    """The fields that tickets can be ordered by."""

    OPENED_AT = "OPENED_AT"
    """By the time at which the message was received."""


class TicketOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of tickets."""

    field: TicketOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class SendContactForm(Value, frozen=True, kw_only=True):
    """The contact form (S1)."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    site_id: SiteId
    """The id of the site that the message is about."""
    topic: Topic
    """The topic of the message."""
    message: Annotated[str, TextLimit(5_000, lines=True), MESSAGE_LENGTH]
    """The message."""
    contact_preference: ContactPreference = ContactPreference.NONE
    """The way in which the sender wants to be contacted."""
    phone: PhoneNumber | None = None
    """The number to call; required if PHONE is preferred, otherwise not stored."""


class ContactFormReceived(MutationResult, frozen=True, kw_only=True):
    """The message was received; the sender gets a receipt by e-mail."""

    ticket: Ticket
    """The ticket that was opened."""


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
    async def tickets(
        self, page: Page, filter: TicketFilter | None = None, order: TicketOrder | None = None
    ) -> Connection[Ticket]:
        """Return the tickets that the caller may see; the latest ones first without an ``order``."""
        ...

    @read(PEOPLE)
    async def tickets_by_id(self, ids: list[TicketId]) -> list[Ticket | None]:
        """Return the tickets with these ids, in this order; None for one that the caller may not see."""
        ...
