"""The receipt of a contact form (S1, S5)."""

import uuid

from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import write_id
from services.chassis.mail import MailMessage
from services.chassis.problems import NotReadyYet
from services.contracts.identity import Contact
from services.support.domain.receipt import retry_delay_s, write_receipt
from services.support.domain.ticket import TicketRecord
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.transaction import SupportStore

CLAIM_S = 15
"""The seconds for which a receipt is claimed: more than a call to identity can take."""


async def send_receipt(work: UnitOfWork[SupportStore], recipients: Recipients) -> bool:
    """Write the mail of the next due receipt; return False if none is due.

    Identity is called between two transactions. The second completes the receipt and writes the mail: a process that
    dies in between leaves the receipt due, and one that exceeds its claim finds the receipt completed.
    """
    async with work() as tx:
        due = await tx.receipts.claim(CLAIM_S)
    if due is None:
        return False
    try:
        contact = await recipients.contact_of(write_id("user", due.user_id))
    except NotReadyYet:
        async with work() as tx:
            await tx.receipts.postpone(due.ticket_id, retry_delay_s(due.attempts))
        return True
    async with work() as tx:
        if await tx.receipts.complete(due.ticket_id) and contact is not None:
            ticket = await tx.tickets.by_id(due.ticket_id)
            assert ticket is not None, "a receipt refers to its ticket"
            await tx.send_mail(_receipt_mail(tx, ticket, contact))
    return True


def _receipt_mail(tx: SupportStore, ticket: TicketRecord, contact: Contact) -> MailMessage:
    mail = write_receipt(ticket, contact.language, tx.clock.zone)
    return MailMessage(
        id=uuid.uuid5(ticket.id, "receipt"),
        recipient=contact.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        language=contact.language.value,
    )
