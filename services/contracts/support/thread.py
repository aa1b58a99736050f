"""The threads of tickets: messages of customers, answers of the staff, and their notes."""

import datetime as dt
import enum

from services.contracts.files import FileLink
from services.contracts.support.tickets import AttachmentIds, Channel, MessageText, Ticket, TicketState
from services.contracts.values import (
    Filter,
    Id,
    IdempotencyKey,
    MutationResult,
    SortDirection,
    Sorting,
    TicketId,
    Value,
)

ATTACHMENT_UPLOAD = "attachment"
"""The purpose of an upload in its address."""
ATTACHMENT_TYPES = (
    "application/octet-stream",
    "application/pdf",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
)
"""The media types that an upload may state; the content decides."""
MAX_ATTACHMENT_BYTES = 10_000_000


class EntryKind(enum.Enum):
    """The kind of an entry of a thread."""

    MESSAGE = "MESSAGE"
    """A message of the customer."""
    ANSWER = "ANSWER"
    """An answer of the staff to the customer."""
    NOTE = "NOTE"
    """A note of the staff, which customers don't see."""


class TicketEntry(Value, frozen=True, kw_only=True):
    """A message, an answer or a note in the thread of a ticket."""

    id: Id
    """The global id."""
    ticket_id: Id
    """The id of the ticket."""
    kind: EntryKind
    """The kind."""
    channel: Channel
    """The way in which it was said."""
    by: str | None
    """The id of the one who wrote it; None for a public form, and for Kierto itself."""
    text: str
    """The text, with line breaks."""
    at: dt.datetime
    """The time at which it was written."""
    attachments: list[FileLink]
    """The files that came with it, to be downloaded."""


class TicketEntryFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a thread."""

    kinds: list[EntryKind] | None = None
    """Entries of one of these kinds; None: of all that the reader may see."""


class TicketEntryOrderField(enum.Enum):
    """The fields that the entries of a thread can be ordered by."""

    AT = "AT"
    """By the time at which they were written."""


class TicketEntryOrder(Sorting, frozen=True, kw_only=True):
    """The order of a thread."""

    field: TicketEntryOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class ReplyToTicket(Value, frozen=True, kw_only=True):
    """A message of a customer in the thread of a ticket."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ticket_id: TicketId
    """The id of the ticket."""
    text: MessageText
    """The message."""
    attachment_ids: AttachmentIds = []
    """The ids of uploaded files: PNG, JPEG, WebP, PDF or text, each of 10 MB at most."""


class AnswerTicket(Value, frozen=True, kw_only=True):
    """An answer of the staff in the thread of a ticket, which the customer gets by mail, too."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ticket_id: TicketId
    """The id of the ticket."""
    version: int
    """The version that the caller has read."""
    text: MessageText
    """The answer."""
    attachment_ids: AttachmentIds = []
    """The ids of uploaded files: PNG, JPEG, WebP, PDF or text, each of 10 MB at most."""
    state: TicketState = TicketState.WAITING_FOR_CUSTOMER
    """The state after it: WAITING_FOR_CUSTOMER, OPEN, SOLVED or CLOSED."""
    channel: Channel = Channel.PORTAL
    """PORTAL: the customer gets it by mail. PHONE, LETTER or VISIT: it was told so already, and no mail is sent."""


class AddTicketNote(Value, frozen=True, kw_only=True):
    """A note of the staff in the thread of a ticket, which customers don't see."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ticket_id: TicketId
    """The id of the ticket."""
    text: MessageText
    """The note."""
    attachment_ids: AttachmentIds = []
    """The ids of uploaded files: PNG, JPEG, WebP, PDF or text, each of 10 MB at most."""


class TicketEntryAdded(MutationResult, frozen=True, kw_only=True):
    """The entry was added to the thread."""

    entry: TicketEntry
    """The entry."""
    ticket: Ticket
    """The ticket as it is now."""
