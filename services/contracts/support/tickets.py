"""Tickets of customer service, and what is done with them."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.identity.actors import ActorId
from services.contracts.support.mail_suppressions import MailSuppression
from services.contracts.ticket_requests import Topic
from services.contracts.values import (
    AgreementId,
    EmailAddress,
    FileId,
    Filter,
    Id,
    IdempotencyKey,
    Length,
    MutationResult,
    OneOf,
    OrderId,
    OrganisationId,
    Outcome,
    PhoneNumber,
    PickupId,
    SearchText,
    SiteId,
    SortDirection,
    Sorting,
    TextLimit,
    TicketId,
    Value,
)

MESSAGE_LENGTH = Length(1, 4_000)

MessageText = Annotated[str, TextLimit(5_000, lines=True), MESSAGE_LENGTH]
"""A text that someone writes, in lines."""

MAX_ATTACHMENTS = Length(0, 10)

AttachmentIds = Annotated[list[FileId], MAX_ATTACHMENTS]


class ContactPreference(enum.Enum):
    """The way in which the sender of a message wants to be contacted."""

    NONE = "NONE"
    """Not at all."""
    PHONE = "PHONE"
    """By telephone."""
    EMAIL = "EMAIL"
    """By e-mail."""


class Channel(enum.Enum):
    """The way in which something reached customer service, or was told to the customer."""

    PORTAL = "PORTAL"
    """In the portal, by a signed-in user or the staff."""
    PUBLIC_FORM = "PUBLIC_FORM"
    """By the public form, whose sender is not known for certain."""
    PHONE = "PHONE"
    """By telephone, written down by the staff."""
    LETTER = "LETTER"
    """By letter, written down by the staff."""
    VISIT = "VISIT"
    """In person, written down by the staff."""
    SYSTEM = "SYSTEM"
    """By Kierto itself, which found something that a person has to look at."""


class TicketState(enum.Enum):
    """The state of a ticket."""

    NEW = "NEW"
    """Customer service has not taken it yet."""
    OPEN = "OPEN"
    """Customer service works on it."""
    WAITING_FOR_CUSTOMER = "WAITING_FOR_CUSTOMER"
    """Customer service has answered, and the customer is to say more."""
    WAITING_FOR_US = "WAITING_FOR_US"
    """The customer has written again, and customer service is to answer."""
    SOLVED = "SOLVED"
    """It is settled. The customer can reopen it by a message for 30 days."""
    CLOSED = "CLOSED"
    """It is settled, and no answer is expected. It can be reopened for 30 days."""


class Ticket(Value, frozen=True, kw_only=True):
    """A ticket of customer service (S2): a conversation about one matter."""

    id: Id
    """The global id."""
    number: str
    """The short number, for use on the telephone."""
    organisation_id: Id | None
    """The id of the organisation; None if the sender of a public form was not recognised yet."""
    site_id: Id | None
    """The id of the site that it is about; None if it is about the whole organisation."""
    pickup_id: Id | None
    """The id of the pickup that it is about; None if it is about none."""
    order_id: Id | None
    """The id of the order that it is about; None if it is about none."""
    agreement_id: Id | None
    """The id of the agreement that it is about; None if it is about none."""
    topic: Topic
    """The topic of the message."""
    channel: Channel
    """The way in which it reached customer service."""
    state: TicketState
    """The state."""
    message: str
    """The first message as it was sent, with line breaks."""
    contact_preference: ContactPreference
    """The way in which the sender wants to be contacted."""
    by: str | None
    """The id of the user who opened it; None for a public form, and for Kierto itself."""
    assigned_to: str | None
    """The id of the employee who works on it; None if there is none."""
    opened_at: dt.datetime
    """The time at which the message was received."""
    updated_at: dt.datetime
    """The time of the last message, answer or change of state."""
    reopenable_until: dt.datetime | None
    """The time until which a message reopens it; None unless it is SOLVED or CLOSED."""
    version: int
    """The number of its current version; it rises with every message, answer and change, but not with notes."""


class TicketFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of tickets."""

    search: SearchText | None = None
    """Words of the number, the site number, messages and answers, in any order, case and with or without accents; each
    has to be found. A number, or a word of one or two letters, is found at the beginning of a word, any other anywhere
    in one. At most 20 words; None: all tickets."""
    site_ids: list[SiteId] | None = None
    """Tickets about one of these sites; None: about all."""
    organisation_ids: list[OrganisationId] | None = None
    """Tickets of one of these organisations; None: of all."""
    states: list[TicketState] | None = None
    """Tickets in one of these states; None: in all."""
    topics: list[Topic] | None = None
    """Tickets on one of these topics; None: on all."""
    channels: list[Channel] | None = None
    """Tickets that came in one of these ways; None: in any."""
    assignee_ids: list[ActorId] | None = None
    """Tickets on which one of these employees works; None: on which anyone or no one works."""
    assigned: bool | None = None
    """Tickets that somebody works on, or those that nobody does; None: both."""


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


class TicketSubject(OneOf, frozen=True, kw_only=True):
    """The thing that a ticket is about, beside its site."""

    pickup_id: PickupId | None = None
    """The id of a pickup, planned or done."""
    order_id: OrderId | None = None
    """The id of an order."""
    agreement_id: AgreementId | None = None
    """The id of an agreement."""


class SendContactForm(Value, frozen=True, kw_only=True):
    """The contact form (S1)."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    site_id: SiteId | None = None
    """The id of the site that the message is about. It may be left out by a caller who reaches one site alone."""
    subject: TicketSubject | None = None
    """The pickup, order or agreement of the site that the message is about; None: none of them."""
    topic: Topic
    """The topic of the message."""
    message: MessageText
    """The message."""
    attachment_ids: AttachmentIds = []
    """The ids of uploaded files: PNG, JPEG, WebP, PDF or text, each of 10 MB at most."""
    contact_preference: ContactPreference = ContactPreference.NONE
    """The way in which the sender wants to be contacted."""
    phone: PhoneNumber | None = None
    """The number to call; required if PHONE is preferred, otherwise not stored."""


class ContactFormReceived(MutationResult, frozen=True, kw_only=True):
    """The message was received; the sender gets a receipt by e-mail."""

    ticket: Ticket
    """The ticket that was opened."""


SENDER_NAME_LENGTH = Length(1, 200)


class SendPublicForm(Value, frozen=True, kw_only=True):
    """The contact form for those who can't sign in (S1). It needs an e-mail address or a telephone number."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    name: Annotated[str, TextLimit(800), SENDER_NAME_LENGTH]
    """The sender's name."""
    email: EmailAddress | None = None
    """The address to answer to; None: answer by telephone."""
    phone: PhoneNumber | None = None
    """The number to call; None: answer by e-mail."""
    address: Annotated[str, TextLimit(800), Length(0, 200)] = ""
    """The address of the place that the message is about, in the sender's words; empty if it is about none."""
    customer_number: Annotated[str, TextLimit(100), Length(0, 50)] = ""
    """The customer number on an invoice; empty if the sender does not know it. It is not checked."""
    topic: Topic
    """The topic of the message."""
    message: MessageText
    """The message."""


class PublicFormReceived(MutationResult, frozen=True, kw_only=True):
    """The message was received. The answer is the same whether the sender is a customer or not."""

    number: str
    """The number of the ticket, for use on the telephone."""


class LogContact(Value, frozen=True, kw_only=True):
    """A call, a letter or a visit of a customer, written down by the staff (practice 33)."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    site_id: SiteId
    """The id of the site that it was about."""
    subject: TicketSubject | None = None
    """The pickup, order or agreement of the site that it was about; None: none of them."""
    channel: Channel
    """PHONE, LETTER or VISIT."""
    identified_by: Annotated[str, TextLimit(800), Length(1, 200)]
    """The way in which the customer was identified, such as their customer number and address."""
    topic: Topic
    """The topic."""
    message: MessageText
    """The matter, in the words of the staff: the customer can read it."""
    name: Annotated[str, TextLimit(800), Length(0, 200)] = ""
    """The name of the person; empty if it was not told."""
    email: EmailAddress | None = None
    """The address to answer to; None: that of the site's contact."""
    phone: PhoneNumber | None = None
    """The number to call; None: that of the site's contact."""


class ContactLogged(MutationResult, frozen=True, kw_only=True):
    """The contact was written down."""

    ticket: Ticket
    """The ticket that was opened."""


class AssignTicket(Value, frozen=True, kw_only=True):
    """The choice of the employee who works on a ticket."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ticket_id: TicketId
    """The id of the ticket."""
    version: int
    """The version that the caller has read."""
    assignee_id: Id | None
    """The id of the employee, such as the caller's own; None: nobody works on it."""


class TicketAssigned(MutationResult, frozen=True, kw_only=True):
    """The ticket was assigned, or is free again."""

    ticket: Ticket
    """The ticket as it is now."""


class PlaceTicket(Value, frozen=True, kw_only=True):
    """The site of a ticket, which decides whose it is: of a public form, once it is known who wrote it."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ticket_id: TicketId
    """The id of the ticket."""
    version: int
    """The version that the caller has read."""
    site_id: SiteId
    """The id of the site: of any organisation for a ticket without one, else of the ticket's own."""


class TicketPlaced(MutationResult, frozen=True, kw_only=True):
    """The ticket belongs to the site and its organisation."""

    ticket: Ticket
    """The ticket as it is now. At another site it is not linked to a pickup, order or agreement of the first one."""


class ChangeTicketState(Value, frozen=True, kw_only=True):
    """A change of a ticket's state without a message."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ticket_id: TicketId
    """The id of the ticket."""
    version: int
    """The version that the caller has read."""
    state: TicketState
    """The new state. Customers say SOLVED, or WAITING_FOR_US to reopen it; staff any but NEW."""


class TicketStateChanged(MutationResult, frozen=True, kw_only=True):
    """The state was changed."""

    ticket: Ticket
    """The ticket as it is now."""


class ContactSource(enum.Enum):
    """The place from which the contact of a ticket's sender is known."""

    USER = "USER"
    """The account of the user who wrote."""
    TICKET = "TICKET"
    """The ticket itself: a public form, or a contact that the staff wrote down."""
    SITE = "SITE"
    """The contact person of the site."""


class TicketContact(Outcome, frozen=True, kw_only=True):
    """The person to whom the answers to a ticket go."""

    source: ContactSource
    """The place from which the contact is known."""
    name: str
    """The name, or the username; empty if it is not known."""
    email: str | None
    """The e-mail address; None if none is known."""
    phone: str | None
    """The telephone number; None if none is known."""
    mail_suppression: MailSuppression | None = None
    """The reason why the answers are not mailed to the address; None if they are."""
