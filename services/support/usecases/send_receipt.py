"""Sending the receipt of a contact form (S1, S5)."""

import uuid

from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import write_id
from services.chassis.mail import MailMessage
from services.chassis.problems import NotReadyYet
from services.contracts.identity import Contact
from services.support.domain.receipt import retry_delay_s, write_receipt
from services.support.domain.ticket import TicketRecord
from services.support.usecases.ports import Recipients, SupportStore

CLAIM_S = 15
"""How long a receipt is held by who takes it: longer than a call to identity can take."""


async def send_receipt(work: UnitOfWork[SupportStore], recipients: Recipients) -> bool:
    """Write the mail of the next receipt that is due; False if none is.

    Whom to write to is asked between two transactions. The second ends the receipt and writes the mail, so that a
    death in between leaves it due, and whoever was slower than the time it had taken finds it ended.
    """
    async with work() as tx:
        due = await tx.claim_receipt(CLAIM_S)
    if due is None:
        return False
    try:
        contact = await recipients.contact_of(write_id("user", due.user_id))
    except NotReadyYet:
        async with work() as tx:
            await tx.postpone_receipt(due.ticket_id, retry_delay_s(due.attempts))
        return True
    async with work() as tx:
        if await tx.complete_receipt(due.ticket_id) and contact is not None:
            await tx.send_mail(_receipt_mail(tx, await tx.ticket(due.ticket_id), contact))
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
