"""A mail that came back: its message has not arrived, and its address may be suppressed."""

import uuid

from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import new_uuid
from services.contracts.identity.people import Language
from services.support.domain.delivery_report import DeliveryFailure
from services.support.domain.mail_suppression import FAILURE_WINDOW, MailSuppressionRecord, reason_to_suppress
from services.support.domain.message import MessageRecord, MessageState
from services.support.usecases.note_undelivered import note_undelivered
from services.support.usecases.ports.transaction import SupportStore


async def record_bounce(
    work: UnitOfWork[SupportStore], language: Language, message_id: uuid.UUID, failure: DeliveryFailure
) -> None:
    """Record that a message came back; do nothing about an unknown one, or a repeated report."""
    async with work() as tx:
        message = await tx.messages.lock_message(message_id)
        if message is None or message.state is not MessageState.WRITTEN:
            return
        await tx.messages.mark_bounced(message_id, tx.now)
        await _suppress(tx, message, failure)
        cause = await tx.messages.cause(message.cause_id)
        assert cause is not None, "a message refers to its cause"
        await note_undelivered(tx, language, cause, failure.status)


async def _suppress(tx: SupportStore, message: MessageRecord, failure: DeliveryFailure) -> None:
    """Suppress the address of a message that came back, if there is a reason."""
    # Reports about one address wait for each other, so that each counts the others' messages.
    await tx.tickets.lock_limits(message.address)
    bounced = await tx.messages.count_bounced(message.address, tx.now - FAILURE_WINDOW)
    reason = reason_to_suppress(failure, bounced)
    if reason is not None:
        await tx.mail_suppressions.add(
            MailSuppressionRecord(
                id=new_uuid(),
                address=message.address,
                recipient=message.recipient,
                reason=reason,
                status=failure.status,
                since=tx.now,
            )
        )
