"""Operations of support."""

from typing import Protocol

from services.contracts.declare import public_write, read, write
from services.contracts.permission import PEOPLE, STAFF, SubjectKind, allow
from services.contracts.support.held_messages import (
    DecideHeldMessages,
    HeldMessage,
    HeldMessageFilter,
    HeldMessageId,
    HeldMessageOrder,
    HeldMessagesDecided,
)
from services.contracts.support.mail_suppressions import (
    LiftMailSuppression,
    MailResumed,
    MailSuppression,
    MailSuppressionFilter,
    MailSuppressionId,
    MailSuppressionLifted,
    MailSuppressionOrder,
    OwnMailSuppression,
    ResumeMail,
)
from services.contracts.support.messages import (
    ChooseMessages,
    MessageChoice,
    MessagesChosen,
    Subscription,
    UnsubscribeToken,
)
from services.contracts.support.thread import (
    AddTicketNote,
    AnswerTicket,
    ReplyToTicket,
    TicketEntry,
    TicketEntryAdded,
    TicketEntryFilter,
    TicketEntryOrder,
)
from services.contracts.support.tickets import (
    AssignTicket,
    ChangeTicketState,
    ContactFormReceived,
    ContactLogged,
    LogContact,
    PlaceTicket,
    PublicFormReceived,
    SendContactForm,
    SendPublicForm,
    Ticket,
    TicketAssigned,
    TicketContact,
    TicketFilter,
    TicketOrder,
    TicketPlaced,
    TicketStateChanged,
)
from services.contracts.values import Conflict, Connection, Page, Refusal, TicketEntryId, TicketId

_CUSTOMERS = allow(SubjectKind.USER)


class Support(Protocol):
    """Operations of support."""

    @write(PEOPLE)
    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        """Open a ticket about a site.

        A user may send ten an hour (staff: a hundred), an organisation thirty; a repeated form is not counted.
        Its subject is one of the site's, otherwise NOT_FOUND. Refused with NOT_FOUND, MALFORMED, UNKNOWN_FILE,
        IDEMPOTENCY_CONFLICT, NOT_READY_YET, TOO_MANY_MESSAGES.
        """
        ...

    @public_write
    async def send_public_form(self, command: SendPublicForm) -> PublicFormReceived | Refusal:
        """Open a ticket for someone who is not signed in.

        An address may send five an hour, and one sender three. Refused with MALFORMED, CONTACT_REQUIRED,
        IDEMPOTENCY_CONFLICT, TOO_MANY_MESSAGES.
        """
        ...

    @write(STAFF)
    async def log_contact(self, command: LogContact) -> ContactLogged | Refusal:
        """Open a ticket for a call, a letter or a visit.

        Refused with NOT_FOUND, MALFORMED, IDEMPOTENCY_CONFLICT, NOT_READY_YET.
        """
        ...

    @write(_CUSTOMERS)
    async def reply_to_ticket(self, command: ReplyToTicket) -> TicketEntryAdded | Refusal:
        """Add a message of the customer to a ticket; one that is settled is reopened.

        Refused with NOT_FOUND, MALFORMED, UNKNOWN_FILE, TICKET_CLOSED, IDEMPOTENCY_CONFLICT, TOO_MANY_MESSAGES.
        """
        ...

    @write(STAFF)
    async def answer_ticket(self, command: AnswerTicket) -> TicketEntryAdded | Conflict | Refusal:
        """Add an answer of the staff to a ticket.

        Refused with NOT_FOUND, MALFORMED, UNKNOWN_FILE, IDEMPOTENCY_CONFLICT.
        """
        ...

    @write(STAFF)
    async def add_ticket_note(self, command: AddTicketNote) -> TicketEntryAdded | Refusal:
        """Add a note that customers don't see to a ticket.

        Refused with NOT_FOUND, MALFORMED, UNKNOWN_FILE, IDEMPOTENCY_CONFLICT.
        """
        ...

    @write(STAFF)
    async def assign_ticket(self, command: AssignTicket) -> TicketAssigned | Conflict | Refusal:
        """Choose the employee who works on a ticket. Refused with NOT_FOUND, NOT_STAFF, IDEMPOTENCY_CONFLICT."""
        ...

    @write(STAFF)
    async def place_ticket(self, command: PlaceTicket) -> TicketPlaced | Conflict | Refusal:
        """Give a ticket its site and organisation.

        Refused with NOT_FOUND, OTHER_ORGANISATION, STAFF_ONLY, IDEMPOTENCY_CONFLICT, NOT_READY_YET.
        """
        ...

    @write(PEOPLE)
    async def change_ticket_state(self, command: ChangeTicketState) -> TicketStateChanged | Conflict | Refusal:
        """Change the state of a ticket.

        Refused with NOT_FOUND, ILLEGAL_MOVE, TICKET_CLOSED, IDEMPOTENCY_CONFLICT.
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

    @read(PEOPLE)
    async def threads_of_tickets(
        self,
        ticket_ids: list[TicketId],
        page: Page,
        filter: TicketEntryFilter | None = None,
        order: TicketEntryOrder | None = None,
    ) -> list[Connection[TicketEntry]]:
        """Return the entries of each ticket, oldest first without an ``order``.

        An empty page for a ticket that the caller may not see. A cursor belongs to one ticket: with ``page.after``,
        only that ticket may be requested.
        """
        ...

    @read(PEOPLE)
    async def ticket_entries_by_id(self, ids: list[TicketEntryId]) -> list[TicketEntry | None]:
        """Return the entries with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(STAFF)
    async def ticket_contact(self, ticket_id: TicketId) -> TicketContact | Refusal:
        """Return the person to whom the answers to a ticket go; each call is in the audit log.

        Refused with NOT_FOUND, NO_CONTACT.
        """
        ...

    @read(PEOPLE)
    async def message_choices(self) -> list[MessageChoice]:
        """Return the caller's choices among the kinds of messages that they can get."""
        ...

    @write(PEOPLE)
    async def choose_messages(self, command: ChooseMessages) -> MessagesChosen | Refusal:
        """Choose among the kinds of messages. Refused with NOT_OPTIONAL, IDEMPOTENCY_CONFLICT."""
        ...

    @read(STAFF)
    async def held_messages(
        self, page: Page, filter: HeldMessageFilter | None = None, order: HeldMessageOrder | None = None
    ) -> Connection[HeldMessage]:
        """Return the messages that were held after a restore; the oldest cause first without an ``order``."""
        ...

    @read(STAFF)
    async def held_messages_by_id(self, ids: list[HeldMessageId]) -> list[HeldMessage | None]:
        """Return the held messages with these ids, in this order; None for one that does not exist."""
        ...

    @write(STAFF)
    async def decide_held_messages(self, command: DecideHeldMessages) -> HeldMessagesDecided | Refusal:
        """Send or drop held messages; those that are not held any more are skipped.

        Refused with MALFORMED, IDEMPOTENCY_CONFLICT.
        """
        ...

    @read(PEOPLE)
    async def own_mail_suppression(self) -> OwnMailSuppression | None:
        """Return the state of the caller's address if no messages are mailed to it; None if they are."""
        ...

    @write(PEOPLE)
    async def resume_mail(self, command: ResumeMail) -> MailResumed | Refusal:
        """Have messages mailed to the caller's address again, three times an hour at most.

        Refused with IDEMPOTENCY_CONFLICT, TOO_MANY_MESSAGES.
        """
        ...

    @read(STAFF)
    async def mail_suppressions(
        self, page: Page, filter: MailSuppressionFilter | None = None, order: MailSuppressionOrder | None = None
    ) -> Connection[MailSuppression]:
        """Return the addresses to which no messages are mailed; the latest ones first without an ``order``."""
        ...

    @read(STAFF)
    async def mail_suppressions_by_id(self, ids: list[MailSuppressionId]) -> list[MailSuppression | None]:
        """Return the suppressions with these ids, in this order; None for one that is no more."""
        ...

    @write(STAFF)
    async def lift_mail_suppression(self, command: LiftMailSuppression) -> MailSuppressionLifted | Refusal:
        """Have messages mailed to an address again. Refused with NOT_FOUND, IDEMPOTENCY_CONFLICT."""
        ...

    @public_write
    async def subscription(self, token: UnsubscribeToken) -> Subscription | Refusal:
        """Return the kind of messages that a link switches off. Refused with UNKNOWN_LINK."""
        ...

    @public_write
    async def unsubscribe(self, token: UnsubscribeToken) -> Subscription | Refusal:
        """Switch a kind of messages off by its link (RFC 8058). Refused with UNKNOWN_LINK."""
        ...
