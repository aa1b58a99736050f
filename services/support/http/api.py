"""The operations of support, for one caller: each calls its query or use case."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.contracts.identity.people import Language
from services.contracts.support.held_messages import (
    DecideHeldMessages,
    HeldMessage,
    HeldMessageFilter,
    HeldMessageOrder,
    HeldMessagesDecided,
)
from services.contracts.support.mail_suppressions import (
    LiftMailSuppression,
    MailResumed,
    MailSuppression,
    MailSuppressionFilter,
    MailSuppressionLifted,
    MailSuppressionOrder,
    OwnMailSuppression,
    ResumeMail,
)
from services.contracts.support.messages import ChooseMessages, MessageChoice, MessagesChosen, Subscription
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
from services.contracts.values import Conflict, Connection, Id, MutationResult, Page, Refusal
from services.hosting.blueprint import ServiceRuntime
from services.support.domain.limits import MessageLimits
from services.support.queries import held_messages, mail_suppressions, threads, tickets
from services.support.store.transaction import SupportTransaction
from services.support.usecases.add_ticket_note import add_ticket_note
from services.support.usecases.answer_ticket import answer_ticket
from services.support.usecases.assign_ticket import assign_ticket
from services.support.usecases.change_ticket_state import change_ticket_state
from services.support.usecases.choose_messages import choose_messages, find_subscription, read_choices, unsubscribe
from services.support.usecases.decide_held_messages import decide_held_messages
from services.support.usecases.find_subject import find_subject
from services.support.usecases.log_contact import log_contact
from services.support.usecases.place_ticket import place_ticket
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.site_contacts import SiteContacts
from services.support.usecases.ports.subjects import Subjects
from services.support.usecases.ports.unsubscribe_links import UnsubscribeLinks
from services.support.usecases.read_ticket_contact import read_ticket_contact
from services.support.usecases.reply_to_ticket import reply_to_ticket
from services.support.usecases.resume_mail import lift_mail_suppression, read_own_suppression, resume_mail
from services.support.usecases.send_contact_form import send_contact_form
from services.support.usecases.send_public_form import send_public_form

R = TypeVar("R", bound=MutationResult)


class SupportDependencies(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the operations, made once a process."""

    runtime: ServiceRuntime[SupportTransaction]
    limits: MessageLimits
    recipients: Recipients
    site_contacts: SiteContacts
    subjects: Subjects
    links: UnsubscribeLinks
    language: Language
    """The operator's language, of notes that Kierto itself writes."""


class SupportApi:
    """``services.contracts.support.operations.Support`` for one caller."""

    def __init__(self, dependencies: SupportDependencies, caller: Caller) -> None:
        self._dependencies = dependencies
        self._runtime = dependencies.runtime
        self._caller = caller

    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        subject = await find_subject(self._dependencies.subjects, command.subject)
        async with self._runtime.work() as tx:
            read = self._read_ticket(tx, lambda ticket: ContactFormReceived(ticket=ticket))
            return await send_contact_form(tx, self._caller, self._dependencies.limits, command, subject, read)

    async def send_public_form(self, command: SendPublicForm) -> PublicFormReceived | Refusal:
        async with self._runtime.work() as tx:
            return await send_public_form(tx, self._caller, self._dependencies.limits, command)

    async def log_contact(self, command: LogContact) -> ContactLogged | Refusal:
        subject = await find_subject(self._dependencies.subjects, command.subject)
        async with self._runtime.work() as tx:
            read = self._read_ticket(tx, lambda ticket: ContactLogged(ticket=ticket))
            return await log_contact(tx, self._caller, command, subject, read)

    async def reply_to_ticket(self, command: ReplyToTicket) -> TicketEntryAdded | Refusal:
        async with self._runtime.work() as tx:
            return await reply_to_ticket(tx, self._caller, self._dependencies.limits, command, self._read_entry(tx))

    async def answer_ticket(self, command: AnswerTicket) -> TicketEntryAdded | Conflict | Refusal:
        async with self._runtime.work() as tx:
            return await answer_ticket(tx, self._caller, command, self._read_entry(tx))

    async def add_ticket_note(self, command: AddTicketNote) -> TicketEntryAdded | Refusal:
        async with self._runtime.work() as tx:
            return await add_ticket_note(tx, self._caller, command, self._read_entry(tx))

    async def assign_ticket(self, command: AssignTicket) -> TicketAssigned | Conflict | Refusal:
        async with self._runtime.work() as tx:
            read = self._read_ticket(tx, lambda ticket: TicketAssigned(ticket=ticket))
            return await assign_ticket(tx, self._caller, command, read)

    async def place_ticket(self, command: PlaceTicket) -> TicketPlaced | Conflict | Refusal:
        async with self._runtime.work() as tx:
            read = self._read_ticket(tx, lambda ticket: TicketPlaced(ticket=ticket))
            return await place_ticket(tx, self._dependencies.language, self._caller, command, read)

    async def change_ticket_state(self, command: ChangeTicketState) -> TicketStateChanged | Conflict | Refusal:
        async with self._runtime.work() as tx:
            read = self._read_ticket(tx, lambda ticket: TicketStateChanged(ticket=ticket))
            return await change_ticket_state(tx, self._caller, command, read)

    async def tickets(
        self, page: Page, filter: TicketFilter | None = None, order: TicketOrder | None = None
    ) -> Connection[Ticket]:
        async with self._runtime.pool.acquire() as connection:
            return await tickets.tickets(connection, self._caller, self._runtime.clock.today(), page, filter, order)

    async def tickets_by_id(self, ids: list[Id]) -> list[Ticket | None]:
        async with self._runtime.pool.acquire() as connection:
            return await tickets.tickets_by_id(connection, self._caller, self._runtime.clock.today(), ids)

    async def threads_of_tickets(
        self,
        ticket_ids: list[Id],
        page: Page,
        filter: TicketEntryFilter | None = None,
        order: TicketEntryOrder | None = None,
    ) -> list[Connection[TicketEntry]]:
        clock, tokens = self._runtime.clock, self._runtime.files.tokens
        async with self._runtime.pool.acquire() as connection:
            return await threads.threads_of_tickets(
                connection, self._caller, clock.now(), clock.today(), tokens, ticket_ids, page, filter, order
            )

    async def ticket_entries_by_id(self, ids: list[Id]) -> list[TicketEntry | None]:
        clock, tokens = self._runtime.clock, self._runtime.files.tokens
        async with self._runtime.pool.acquire() as connection:
            return await threads.entries_by_id(connection, self._caller, clock.now(), clock.today(), tokens, ids)

    async def ticket_contact(self, ticket_id: Id) -> TicketContact | Refusal:
        dependencies = self._dependencies
        return await read_ticket_contact(
            self._runtime.work, dependencies.recipients, dependencies.site_contacts, self._caller, ticket_id
        )

    async def message_choices(self) -> list[MessageChoice]:
        async with self._runtime.work() as tx:
            return await read_choices(tx, self._caller)

    async def choose_messages(self, command: ChooseMessages) -> MessagesChosen | Refusal:
        async with self._runtime.work() as tx:
            return await choose_messages(tx, self._caller, command)

    async def held_messages(
        self, page: Page, filter: HeldMessageFilter | None = None, order: HeldMessageOrder | None = None
    ) -> Connection[HeldMessage]:
        async with self._runtime.pool.acquire() as connection:
            return await held_messages.held_messages(connection, self._caller.language, page, filter, order)

    async def held_messages_by_id(self, ids: list[Id]) -> list[HeldMessage | None]:
        async with self._runtime.pool.acquire() as connection:
            return await held_messages.held_messages_by_id(connection, self._caller.language, ids)

    async def decide_held_messages(self, command: DecideHeldMessages) -> HeldMessagesDecided | Refusal:
        async with self._runtime.work() as tx:
            return await decide_held_messages(tx, self._caller, command)

    async def own_mail_suppression(self) -> OwnMailSuppression | None:
        return await read_own_suppression(self._runtime.work, self._dependencies.recipients, self._caller)

    async def resume_mail(self, command: ResumeMail) -> MailResumed | Refusal:
        dependencies = self._dependencies
        return await resume_mail(
            self._runtime.work, dependencies.recipients, self._caller, dependencies.limits, command
        )

    async def mail_suppressions(
        self, page: Page, filter: MailSuppressionFilter | None = None, order: MailSuppressionOrder | None = None
    ) -> Connection[MailSuppression]:
        async with self._runtime.pool.acquire() as connection:
            return await mail_suppressions.mail_suppressions(connection, self._runtime.clock.now(), page, filter, order)

    async def mail_suppressions_by_id(self, ids: list[Id]) -> list[MailSuppression | None]:
        async with self._runtime.pool.acquire() as connection:
            return await mail_suppressions.mail_suppressions_by_id(connection, self._runtime.clock.now(), ids)

    async def lift_mail_suppression(self, command: LiftMailSuppression) -> MailSuppressionLifted | Refusal:
        async with self._runtime.work() as tx:
            return await lift_mail_suppression(tx, self._caller, command)

    async def subscription(self, token: str) -> Subscription | Refusal:
        async with self._runtime.work() as tx:
            return await find_subscription(tx, self._dependencies.links, token, self._caller.language)

    async def unsubscribe(self, token: str) -> Subscription | Refusal:
        async with self._runtime.work() as tx:
            return await unsubscribe(tx, self._dependencies.links, token, self._caller.language)

    def _read_ticket(self, tx: SupportTransaction, shown: Callable[[Ticket], R]) -> ReadAgain[R]:
        async def read(ids: Sequence[Id]) -> R | None:
            (ticket,) = await tickets.tickets_by_id(tx.connection, self._caller, tx.today, ids)
            return shown(ticket) if ticket else None

        return read

    def _read_entry(self, tx: SupportTransaction) -> ReadAgain[TicketEntryAdded]:
        async def read(ids: Sequence[Id]) -> TicketEntryAdded | None:
            tokens = self._runtime.files.tokens
            (entry,) = await threads.entries_by_id(tx.connection, self._caller, tx.now, tx.today, tokens, ids)
            if entry is None:
                return None
            added = self._read_ticket(tx, lambda ticket: TicketEntryAdded(entry=entry, ticket=ticket))
            return await added([entry.ticket_id])

        return read
