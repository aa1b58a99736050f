"""Messages from before a restore of support's database: they are held until the staff decide (S5).

A backup does not say what was sent after it. The events from then on are consumed again, and the messages that were due
in it are due again.
"""

import datetime as dt
import uuid

from services.chassis.events.transaction import UnitOfWork
from services.contracts.identity.people import Language
from services.support.domain.held_message import held_message, is_released
from services.support.domain.message import CauseRecord, CauseState, restore_ticket_id
from services.support.mapping.causes import subject_id_of
from services.support.mapping.message_mail import describe_held_messages
from services.support.usecases.open_ticket import open_own_ticket
from services.support.usecases.ports.transaction import SupportStore


async def hold_if_uncertain(tx: SupportStore, language: Language, cause: CauseRecord) -> bool:
    """Hold the messages of a locked cause from before the last restore; return whether they are held.

    Those that the staff had sent since then are not. A ticket in this language tells the staff. Raise NotReadyYet while
    it is not known whether the database was restored.
    """
    restored_at = await tx.held_messages.last_restore()
    return restored_at is not None and await _hold(tx, language, cause, restored_at)


async def may_send_message(work: UnitOfWork[SupportStore], language: Language, message_id: uuid.UUID) -> bool:
    """Return whether a written message may be handed to its channel; hold its cause if it is uncertain.

    Raise NotReadyYet while it is not known whether the database was restored.
    """
    async with work() as tx:
        restored_at = await tx.held_messages.last_restore()
        if restored_at is None:
            return True
        message = await tx.messages.lock_message(message_id)
        assert message is not None, "each mail of support is that of a message"
        cause = await tx.messages.lock_cause(message.cause_id)
        assert cause is not None, "a message refers to its cause"
        return cause.state is not CauseState.DROPPED and not await _hold(tx, language, cause, restored_at)


async def _hold(tx: SupportStore, language: Language, cause: CauseRecord, restored_at: dt.datetime) -> bool:
    """Hold the messages of a locked cause from before a restore; return whether they are held."""
    if cause.at > restored_at:
        return False
    held = await tx.held_messages.by_id(cause.id)
    if held is not None and is_released(held, restored_at):
        return False
    if cause.state is not CauseState.HELD:
        await tx.held_messages.save(held_message(cause, subject_id_of(cause), tx.now))
        await tx.messages.close_cause(cause.id, CauseState.HELD)
        await open_own_ticket(tx, restore_ticket_id(restored_at), describe_held_messages(language))
    return True
