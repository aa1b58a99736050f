"""The receipt of a contact form (S1, S5)."""

import uuid

from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import write_id
from services.chassis.jobs.job import Job
from services.chassis.mail import MailMessage
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Contact
from services.support.domain.ticket import TicketRecord
from services.support.mapping.receipt_mail import write_receipt
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.transaction import SupportStore


class SendReceipt(Job, frozen=True, kw_only=True, tag="send-receipt"):
    """The job that writes the mail of one receipt."""

    ticket_id: uuid.UUID


async def send_receipt(
    work: UnitOfWork[SupportStore], recipients: Recipients, letterhead: Letterhead, ticket_id: uuid.UUID
) -> None:
    """Write the mail of a due receipt; do nothing if it was written before.

    Identity is called between two transactions. The second completes the receipt and writes the mail. Raise NotReadyYet
    while identity does not answer.
    """
    async with work() as tx:
        user_id = await tx.receipts.recipient(ticket_id)
    if user_id is None:
        return
    contact = await recipients.contact_of(write_id("user", user_id))
    async with work() as tx:
        if await tx.receipts.complete(ticket_id) and contact is not None:
            ticket = await tx.tickets.by_id(ticket_id)
            assert ticket is not None, "a receipt refers to its ticket"
            await tx.send_mail(await _receipt_mail(tx, ticket, contact, letterhead))


async def _receipt_mail(
    tx: SupportStore, ticket: TicketRecord, contact: Contact, letterhead: Letterhead
) -> MailMessage:
    entry = await tx.entries.by_id(ticket.id)
    assert entry is not None, "the first message has the ticket's id"
    own = await tx.tickets.contact(ticket.id)
    phone = own.phone if own else None
    mail = write_receipt(ticket, entry.text, phone, contact.language, tx.clock.zone, letterhead)
    return MailMessage(
        id=uuid.uuid5(ticket.id, "receipt"),
        recipient=contact.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        language=contact.language.value,
    )
