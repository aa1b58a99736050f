"""A stub of support."""

import uuid

from services.chassis.ids import write_id
from services.contracts.support.held_messages import (
    DecideHeldMessages,
    HeldMessage,
    HeldMessageFilter,
    HeldMessageOrder,
    HeldMessagesDecided,
    HeldMessageState,
)
from services.contracts.support.mail_suppressions import (
    LiftMailSuppression,
    MailRecipientKind,
    MailResumed,
    MailSuppression,
    MailSuppressionFilter,
    MailSuppressionLifted,
    MailSuppressionOrder,
    OwnMailSuppression,
    ResumeMail,
    SuppressionReason,
)
from services.contracts.support.messages import (
    ChooseMessages,
    MessageChoice,
    MessageKind,
    MessagesChosen,
    Subscription,
)
from services.contracts.support.thread import (
    AddTicketNote,
    AnswerTicket,
    EntryKind,
    ReplyToTicket,
    TicketEntry,
    TicketEntryAdded,
    TicketEntryFilter,
    TicketEntryOrder,
)
from services.contracts.support.tickets import (
    AssignTicket,
    ChangeTicketState,
    Channel,
    ContactFormReceived,
    ContactLogged,
    ContactPreference,
    ContactSource,
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
    TicketState,
    TicketStateChanged,
)
from services.contracts.ticket_requests import Topic
from services.contracts.values import Conflict, Connection, Page, Refusal, conflict, refuse
from tests.gateway.stubs.samples import NOW, ORGANISATION, page_of

UNSUBSCRIBE_TOKEN = "abc-_"
TICKET = write_id("ticket", uuid.UUID(int=1))
SUPPRESSION = write_id("suppression", uuid.UUID(int=1))


class SupportStub:
    service = "support"

    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        if command.message == "one too many":
            return refuse("TOO_MANY_MESSAGES", retryable=True, seconds=1234)
        return ContactFormReceived(ticket=a_ticket(command.site_id, command.topic, command.message))

    async def message_choices(self) -> list[MessageChoice]:
        return [a_choice(MessageKind.RECEIPT), a_choice(MessageKind.DAY_CHANGED)]

    async def choose_messages(self, command: ChooseMessages) -> MessagesChosen | Refusal:
        return MessagesChosen(choices=[a_choice(one.kind, enabled=one.enabled) for one in command.choices])

    async def held_messages(
        self, page: Page, filter: HeldMessageFilter | None = None, order: HeldMessageOrder | None = None
    ) -> Connection[HeldMessage]:
        return page_of([a_held_message()], page)

    async def held_messages_by_id(self, ids: list[str]) -> list[HeldMessage | None]:
        return [None for _ in ids]

    async def decide_held_messages(self, command: DecideHeldMessages) -> HeldMessagesDecided | Refusal:
        return HeldMessagesDecided(decided=len(command.ids), skipped=0)

    async def own_mail_suppression(self) -> OwnMailSuppression | None:
        return OwnMailSuppression(reason=SuppressionReason.SEVERAL_FAILED, since=NOW, until=NOW)

    async def resume_mail(self, command: ResumeMail) -> MailResumed | Refusal:
        return MailResumed()

    async def mail_suppressions(
        self, page: Page, filter: MailSuppressionFilter | None = None, order: MailSuppressionOrder | None = None
    ) -> Connection[MailSuppression]:
        return page_of([a_suppression()], page)

    async def mail_suppressions_by_id(self, ids: list[str]) -> list[MailSuppression | None]:
        return [a_suppression() if one == SUPPRESSION else None for one in ids]

    async def lift_mail_suppression(self, command: LiftMailSuppression) -> MailSuppressionLifted | Refusal:
        return MailSuppressionLifted() if command.id == SUPPRESSION else refuse("NOT_FOUND", "id")

    async def subscription(self, token: str) -> Subscription | Refusal:
        return self._subscription(token, enabled=True)

    async def unsubscribe(self, token: str) -> Subscription | Refusal:
        return self._subscription(token, enabled=False)

    @staticmethod
    def _subscription(token: str, *, enabled: bool) -> Subscription | Refusal:
        if token != UNSUBSCRIBE_TOKEN:
            return refuse("UNKNOWN_LINK", "token")
        return Subscription(kind=MessageKind.DAY_CHANGED, description="Days & <changes>", enabled=enabled)

    async def send_public_form(self, command: SendPublicForm) -> PublicFormReceived | Refusal:
        return PublicFormReceived(number="T-1")

    async def log_contact(self, command: LogContact) -> ContactLogged | Refusal:
        return ContactLogged(ticket=a_ticket(command.site_id, command.topic, command.message))

    async def reply_to_ticket(self, command: ReplyToTicket) -> TicketEntryAdded | Refusal:
        return TicketEntryAdded(entry=an_entry(EntryKind.MESSAGE, command.text), ticket=a_ticket())

    async def answer_ticket(self, command: AnswerTicket) -> TicketEntryAdded | Conflict | Refusal:
        if command.version != 1:
            return conflict(command.ticket_id, yours=command.version, now=1)
        return TicketEntryAdded(entry=an_entry(EntryKind.ANSWER, command.text), ticket=a_ticket())

    async def add_ticket_note(self, command: AddTicketNote) -> TicketEntryAdded | Refusal:
        return TicketEntryAdded(entry=an_entry(EntryKind.NOTE, command.text), ticket=a_ticket())

    async def assign_ticket(self, command: AssignTicket) -> TicketAssigned | Conflict | Refusal:
        return TicketAssigned(ticket=a_ticket())

    async def place_ticket(self, command: PlaceTicket) -> TicketPlaced | Conflict | Refusal:
        return TicketPlaced(ticket=a_ticket())

    async def change_ticket_state(self, command: ChangeTicketState) -> TicketStateChanged | Conflict | Refusal:
        return TicketStateChanged(ticket=a_ticket())

    async def tickets(
        self, page: Page, filter: TicketFilter | None = None, order: TicketOrder | None = None
    ) -> Connection[Ticket]:
        return page_of([], page)

    async def tickets_by_id(self, ids: list[str]) -> list[Ticket | None]:
        return [None for _ in ids]

    async def threads_of_tickets(
        self,
        ticket_ids: list[str],
        page: Page,
        filter: TicketEntryFilter | None = None,
        order: TicketEntryOrder | None = None,
    ) -> list[Connection[TicketEntry]]:
        return [page_of([an_entry(EntryKind.MESSAGE, "Hei")], page) for _ in ticket_ids]

    async def ticket_entries_by_id(self, ids: list[str]) -> list[TicketEntry | None]:
        return [None for _ in ids]

    async def ticket_contact(self, ticket_id: str) -> TicketContact | Refusal:
        return TicketContact(
            source=ContactSource.SITE,
            name="Aino Aalto",
            email="aino@example.fi",
            phone=None,
            mail_suppression=a_suppression(),
        )


def a_held_message() -> HeldMessage:
    return HeldMessage(
        id=write_id("held", uuid.UUID(int=1)),
        kind=MessageKind.TICKET_ANSWER,
        description="Answers",
        subject_id=TICKET,
        organisation_id=ORGANISATION,
        site_id=None,
        caused_at=NOW,
        expires_at=NOW,
        held_at=NOW,
        state=HeldMessageState.HELD,
        by=None,
        decided_at=None,
    )


def a_ticket(site_id: str | None = None, topic: Topic = Topic.OTHER, message: str = "Hei") -> Ticket:
    return Ticket(
        id=TICKET,
        number="T-1",
        organisation_id=ORGANISATION,
        site_id=site_id,
        pickup_id=None,
        order_id=None,
        agreement_id=None,
        topic=topic,
        channel=Channel.PORTAL,
        state=TicketState.NEW,
        message=message,
        contact_preference=ContactPreference.NONE,
        by=None,
        assigned_to=None,
        opened_at=NOW,
        updated_at=NOW,
        reopenable_until=None,
        version=1,
    )


def a_suppression() -> MailSuppression:
    return MailSuppression(
        id=SUPPRESSION,
        recipient_kind=MailRecipientKind.TICKET,
        user_id=None,
        site_id=None,
        ticket_id=TICKET,
        reason=SuppressionReason.ADDRESS_FAILED,
        status="5.1.1",
        since=NOW,
        until=NOW,
    )


def an_entry(kind: EntryKind, text: str) -> TicketEntry:
    return TicketEntry(
        id=write_id("entry", uuid.UUID(int=1)),
        ticket_id=TICKET,
        kind=kind,
        channel=Channel.PORTAL,
        by=None,
        text=text,
        at=NOW,
        attachments=[],
    )


def a_choice(kind: MessageKind, *, enabled: bool = True) -> MessageChoice:
    return MessageChoice(kind=kind, description=kind.value, enabled=enabled, optional=kind is not MessageKind.RECEIPT)
