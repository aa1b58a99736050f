"""Messages that a restore of the database has made uncertain: they may have been sent after the backup."""

import datetime as dt
import uuid

import msgspec

from services.contracts.support.held_messages import HeldMessageState
from services.contracts.support.messages import MessageKind
from services.contracts.values import Id
from services.support.domain.message import CauseRecord
from services.support.domain.message_kind import RULES


class HeldMessageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of one cause, and the decision about them."""

    id: uuid.UUID
    """The id of the cause."""
    kind: MessageKind
    subject_id: Id
    organisation_id: uuid.UUID | None
    site_id: uuid.UUID | None
    caused_at: dt.datetime
    held_at: dt.datetime
    state: HeldMessageState = HeldMessageState.HELD
    decided_by: Id | None = None
    decided_at: dt.datetime | None = None

    @property
    def expires_at(self) -> dt.datetime:
        """The time from which on they are too old for their kind."""
        return self.caused_at + RULES[self.kind].max_age


def held_message(cause: CauseRecord, subject_id: Id, now: dt.datetime) -> HeldMessageRecord:
    """Return the messages of a cause about this thing, held from now on."""
    return HeldMessageRecord(
        id=cause.id,
        kind=cause.kind,
        subject_id=subject_id,
        organisation_id=cause.organisation_id,
        site_id=cause.site_id,
        caused_at=cause.at,
        held_at=now,
    )


def is_released(held: HeldMessageRecord, restored_at: dt.datetime) -> bool:
    """Return whether the staff had the messages sent after the last restore, and not before one more."""
    return held.state is HeldMessageState.SENT and held.decided_at is not None and held.decided_at > restored_at
