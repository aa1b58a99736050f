"""The staff's decision about messages that are held after a restore (S5)."""

import uuid
from collections.abc import Sequence

import msgspec

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import find_id, write_id, write_optional_id
from services.chassis.mail import SendMail
from services.contracts.support.held_messages import (
    MAX_DECISIONS,
    DecideHeldMessages,
    HeldMessagesDecided,
    HeldMessageState,
)
from services.contracts.values import Id, Refusal, malformed
from services.support.domain.message import CauseState
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import SendMessages

_DECISIONS = {
    True: (HeldMessageState.SENT, "HELD_MESSAGE_SENT"),
    False: (HeldMessageState.DROPPED, "HELD_MESSAGE_DROPPED"),
}


async def decide_held_messages(
    tx: SupportStore, caller: Caller, command: DecideHeldMessages
) -> HeldMessagesDecided | Refusal:
    """Send or drop held messages; skip those that are not held any more.

    Messages that were not written yet go to those who are to be told now, unless they have become too old or do not
    hold any more. Those that were written before the backup are sent as they were. Refused with MALFORMED,
    IDEMPOTENCY_CONFLICT.
    """
    if not command.ids:
        return Refusal(problems=[malformed("ids", reason="REQUIRED")])
    if len(command.ids) > MAX_DECISIONS:
        return Refusal(problems=[malformed("ids", reason="TOO_MANY", most=MAX_DECISIONS)])
    requested = set(command.ids)
    decided: list[Id] = []

    async def do() -> HeldMessagesDecided | Refusal:
        # In the order of their ids, so that no two decisions wait for each other.
        for cause_id in sorted(found for text in requested if (found := find_id("held", text))):
            if await _decide(tx, caller, cause_id, send=command.send):
                decided.append(write_id("held", cause_id))
        return _result(requested, decided)

    async def read_again(ids: Sequence[Id]) -> HeldMessagesDecided:
        return _result(requested, ids)

    return await tx.execute_once(
        organisation="",
        caller=caller.subject_id,
        operation="decideHeldMessages",
        command=command,
        do=do,
        ids=lambda _: decided,
        read_again={HeldMessagesDecided: read_again},
    )


async def _decide(tx: SupportStore, caller: Caller, cause_id: uuid.UUID, *, send: bool) -> bool:
    """Decide about the messages of one cause; return False if they are not held."""
    cause = await tx.messages.lock_cause(cause_id)
    if cause is None or cause.state is not CauseState.HELD:
        return False
    held = await tx.held_messages.by_id(cause_id)
    assert held is not None, "a held cause has held messages"
    state, action = _DECISIONS[send]
    decision = msgspec.structs.replace(held, state=state, decided_by=caller.subject_id, decided_at=tx.now)
    await tx.held_messages.save(decision)
    written = await tx.messages.ids_of(cause_id)
    if not send:
        await tx.messages.close_cause(cause_id, CauseState.DROPPED)
        await tx.withdraw_mails(written)
    elif written:
        await tx.messages.close_cause(cause_id, CauseState.TOLD)
        for mail_id in written:
            tx.enqueue(SendMail(mail_id=mail_id))
    else:
        await tx.messages.reopen_cause(cause_id, tx.now)
        tx.enqueue(SendMessages(cause_id=cause_id), unique=True)
    organisation_id = write_optional_id("org", held.organisation_id)
    tx.audit(
        AuditEntry(
            actor=caller.subject_id, action=action, subject=write_id("held", cause_id), organisation_id=organisation_id
        )
    )
    return True


def _result(requested: set[Id], decided: Sequence[Id]) -> HeldMessagesDecided:
    return HeldMessagesDecided(decided=len(decided), skipped=len(requested) - len(decided))
