"""Messages that could not be sent within a day: a ticket tells the staff."""

import uuid

from services.chassis.events.transaction import UnitOfWork
from services.contracts.identity.people import Language
from services.support.domain.message import RETRY_PERIOD, CauseRecord, CauseState, MessageState, failure_ticket_id
from services.support.mapping.causes import subject_id_of
from services.support.mapping.message_mail import describe_failure
from services.support.usecases.add_entry import add_system_note
from services.support.usecases.open_ticket import open_own_ticket
from services.support.usecases.ports.transaction import SupportStore


async def fail_cause(work: UnitOfWork[SupportStore], language: Language, cause_id: uuid.UUID) -> bool:
    """Give up a cause whose messages have been due for a day, and report it; return False for any other one."""
    async with work() as tx:
        cause = await tx.messages.lock_cause(cause_id)
        if cause is None or cause.state is not CauseState.DUE or tx.now - cause.first_due_at < RETRY_PERIOD:
            return False
        await tx.messages.close_cause(cause_id, CauseState.FAILED)
        await _report(tx, language, cause)
        return True


async def fail_message(work: UnitOfWork[SupportStore], language: Language, message_id: uuid.UUID) -> None:
    """Give up a message that its channel did not accept within a day, and report it; do nothing about a known one."""
    async with work() as tx:
        message = await tx.messages.lock_message(message_id)
        if message is None or message.state is not MessageState.WRITTEN:
            return
        await tx.messages.move(message_id, MessageState.FAILED)
        cause = await tx.messages.cause(message.cause_id)
        assert cause is not None, "a message refers to its cause"
        await _report(tx, language, cause)


async def _report(tx: SupportStore, language: Language, cause: CauseRecord) -> None:
    """Open a ticket for the day's failures of a kind, or add a note to it."""
    ticket_id = failure_ticket_id(cause.kind, tx.today)
    text = describe_failure(cause.kind, subject_id_of(cause), language)
    if not await open_own_ticket(tx, ticket_id, text):
        await add_system_note(tx, ticket_id, text)
