"""The messages of a cause: to whom, what, and each once (S4, S5, S8)."""

import uuid
from collections.abc import Sequence

import msgspec

from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import write_id
from services.chassis.mail import MailMessage
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Language
from services.support.domain.limits import digest_of
from services.support.domain.message import (
    RETRY_PERIOD,
    CauseRecord,
    CauseState,
    MessageRecord,
    MessageState,
    message_id,
)
from services.support.domain.message_facts import MessageFacts, still_holds
from services.support.domain.message_kind import RULES, Subject, next_time
from services.support.mapping.events import messages_written_event
from services.support.mapping.message_mail import write_message
from services.support.usecases.find_recipients import find_recipients, find_ticket
from services.support.usecases.hold_messages import hold_if_uncertain
from services.support.usecases.note_undelivered import note_undelivered
from services.support.usecases.ports.bounce_addresses import BounceAddresses
from services.support.usecases.ports.imports import Imports
from services.support.usecases.ports.order_summaries import OrderSummaries
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.site_contacts import SiteContacts
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.ports.unsubscribe_links import UnsubscribeLinks

_ONE_CLICK = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
"""RFC 8058, section 3.1."""


class MessageSources(msgspec.Struct, frozen=True, kw_only=True):
    """The owners of what a message needs beside support's own data, and the operator's settings."""

    recipients: Recipients
    sites: SiteContacts
    orders: OrderSummaries
    imports: Imports
    links: UnsubscribeLinks
    bounces: BounceAddresses
    letterhead: Letterhead
    language: Language
    """The language of recipients whose own is not known, and of the staff's tickets."""


class Addressee(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a recipient, known for the time of the sending alone."""

    recipient: str
    """The id of a user, a site or a ticket."""
    email: str
    language: Language

    @property
    def address(self) -> str:
        """The digest of the address."""
        return digest_of(self.email.casefold())

    @property
    def chooser(self) -> str:
        """The one whose choices count: a user, else the digest of the address."""
        return self.recipient if self.recipient.startswith("user_") else self.address


async def send_messages(work: UnitOfWork[SupportStore], sources: MessageSources, cause_id: uuid.UUID) -> None:
    """Send the messages of a cause that is due; do nothing if that was done before, or if they are held.

    The owners are called between two transactions. Recipients are those who reach the thing in the second one, which
    writes messages and mails, closes the cause, and announces what was written. Raise NotReadyYet while an owner does
    not answer, or while it is not known whether the database was restored.
    """
    async with work() as tx:
        cause = await _find_due(tx, sources.language, cause_id)
        if cause is None:
            return
        facts, recipients = await _own_facts(tx, cause), await find_recipients(tx, cause)
    facts = await _with_facts_of_owners(sources, facts)
    addressees = [
        addressee
        for recipient in recipients
        if (addressee := await _find_addressee(sources, facts, recipient)) is not None
    ]
    async with work() as tx:
        cause = await tx.messages.lock_cause(cause_id)
        if cause is None or cause.state is not CauseState.DUE:
            return
        if not still_holds(facts):
            await tx.messages.close_cause(cause_id, CauseState.OBSOLETE)
            return
        permitted = await _permitted(tx, cause, addressees)
        suppressed = await tx.mail_suppressions.of([one.address for one in permitted], tx.now)
        written = [
            await _write(tx, sources, facts, addressee, suppressed=addressee.address in suppressed)
            for addressee in permitted
        ]
        await tx.messages.close_cause(cause_id, CauseState.TOLD)
        if any(written):
            # By this event the relay finds out that a restored backup is older than what was sent.
            tx.emit(messages_written_event(cause, sum(written)))


async def _find_due(tx: SupportStore, language: Language, cause_id: uuid.UUID) -> CauseRecord | None:
    """Return a cause whose messages are to be sent now, and put off or close one whose are not."""
    cause = await tx.messages.lock_cause(cause_id)
    if cause is None or cause.state is not CauseState.DUE:
        return None
    rule = RULES[cause.kind]
    if tx.now - cause.at >= rule.max_age:
        await tx.messages.close_cause(cause_id, CauseState.EXPIRED)
        return None
    if await hold_if_uncertain(tx, language, cause):
        return None
    due_at = next_time(rule, tx.now, tx.clock.zone)
    if due_at > tx.now:
        await tx.messages.put_off(cause_id, due_at)
        return None
    return cause


async def _own_facts(tx: SupportStore, cause: CauseRecord) -> MessageFacts:
    ticket = await find_ticket(tx, cause)
    site = await tx.sites.by_id(cause.site_id) if cause.site_id else None
    return MessageFacts(
        cause=cause,
        ticket=ticket,
        # The first message of a ticket is the entry with its id.
        entry=await tx.entries.by_id(cause.subject) if ticket else None,
        sender=await tx.tickets.contact(ticket.id) if ticket else None,
        site_number=site.site_number if site else "",
    )


async def _with_facts_of_owners(sources: MessageSources, facts: MessageFacts) -> MessageFacts:
    cause = facts.cause
    subject = RULES[cause.kind].subject
    subject_id = write_id(subject.value, cause.subject)
    return msgspec.structs.replace(
        facts,
        order=await sources.orders.order(subject_id) if subject is Subject.ORDER else None,
        pickup=await sources.orders.pickup(subject_id) if subject is Subject.PICKUP else None,
        done_import=await sources.imports.find(cause.key) if subject is Subject.IMPORT else None,
        site=await sources.sites.contact_of(write_id("site", cause.site_id)) if cause.site_id else None,
    )


async def _find_addressee(sources: MessageSources, facts: MessageFacts, recipient: str) -> Addressee | None:
    """Return the address of a recipient; None for one who has none, or was deleted."""
    email: str | None = None
    language = sources.language
    match recipient.partition("_")[0]:
        case "user":
            contact = await sources.recipients.contact_of(recipient)
            if contact is not None:
                email, language = contact.email, contact.language
        case "ticket":
            email = facts.sender.email if facts.sender else None
        case _:
            person = facts.site.contact_person if facts.site else None
            email = person.email if person else None
    return Addressee(recipient=recipient, email=email, language=language) if email else None


async def _permitted(tx: SupportStore, cause: CauseRecord, addressees: Sequence[Addressee]) -> list[Addressee]:
    """Return those who are to be told still, and who did not switch the kind off."""
    rule, recipients = RULES[cause.kind], set(await find_recipients(tx, cause))
    choices = await tx.message_choices.of([one.chooser for one in addressees], cause.kind) if rule.optional else {}
    return [one for one in addressees if one.recipient in recipients and choices.get(one.chooser, rule.enabled)]


async def _write(
    tx: SupportStore, sources: MessageSources, facts: MessageFacts, addressee: Addressee, *, suppressed: bool
) -> bool:
    """Write the message of a cause to one recipient; return whether a mail was: they may have it, or get no mail."""
    cause_id = facts.cause.id
    message = MessageRecord(
        id=message_id(cause_id, addressee.recipient),
        cause_id=cause_id,
        recipient=addressee.recipient,
        address=addressee.address,
        state=MessageState.SUPPRESSED if suppressed else MessageState.WRITTEN,
        written_at=tx.now,
    )
    if not await tx.messages.add(message):
        return False
    if suppressed:
        await note_undelivered(tx, sources.language, facts.cause)
        return False
    link = sources.links.link(addressee.chooser, facts.cause.kind)
    mail = write_message(facts, addressee.language, tx.clock.zone, sources.letterhead, link)
    await tx.send_mail(
        MailMessage(
            id=message.id,
            recipient=addressee.email,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            language=addressee.language.value,
            headers={"List-Unsubscribe": f"<{link}>", **_ONE_CLICK} if link else {},
            deadline=tx.now + RETRY_PERIOD,
            envelope_sender=sources.bounces.address(message.id),
        )
    )
    return True
