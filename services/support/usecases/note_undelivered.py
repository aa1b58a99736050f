"""The note by which the staff learn that the customer of a ticket did not get a mail."""

from services.contracts.identity.people import Language
from services.support.domain.message import CauseRecord
from services.support.mapping.message_mail import describe_undelivered
from services.support.usecases.add_entry import add_system_note
from services.support.usecases.find_recipients import find_ticket
from services.support.usecases.ports.transaction import SupportStore


async def note_undelivered(tx: SupportStore, language: Language, cause: CauseRecord, status: str = "") -> None:
    """Add a note to the ticket that a message is about; do nothing about one that is about another thing.

    ``status`` is that of the report; without one, the mail was not sent.
    """
    ticket = await find_ticket(tx, cause)
    if ticket is None:
        return
    await tx.tickets.lock_by_id(ticket.id)
    await add_system_note(tx, ticket.id, describe_undelivered(cause.kind, status, language))
