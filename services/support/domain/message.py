"""The causes of messages, and the messages that follow from them."""

import datetime as dt
import enum
import uuid

import msgspec

from services.contracts.support.messages import MessageKind

RETRY_PERIOD = dt.timedelta(days=1)
"""The time for which a message is tried: by us while an owner does not answer, and then by the mail server."""

_MAX_RETRY_DELAY_S = 600
_NAMESPACE = uuid.UUID("5f0c5c7e-7f0b-4d67-9a55-2b6a0f6f3f0e")


class CauseState(enum.Enum):
    """The state of a cause."""

    DUE = "DUE"
    """Its messages are to be sent."""
    TOLD = "TOLD"
    """Its messages were written."""
    EXPIRED = "EXPIRED"
    """It was too old for its kind before anyone was told of it."""
    OBSOLETE = "OBSOLETE"
    """It did not hold any more when its messages were to be sent."""
    FAILED = "FAILED"
    """Its messages could not be written within a day; a ticket says so."""
    HELD = "HELD"
    """It is from before a restore of the database: nobody knows whether it was told, and the staff decide."""
    DROPPED = "DROPPED"
    """The staff decided that nobody is told of it."""


class CauseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The cause of messages: an event, or a change of support itself."""

    id: uuid.UUID
    kind: MessageKind
    key: str
    """The cause within its kind: a thing is told once for each key."""
    subject: uuid.UUID
    """The id of the thing that the messages are about: what thing it is, the kind says."""
    organisation_id: uuid.UUID | None = None
    """None if it is about no organisation's thing, or about that of an unknown sender."""
    site_id: uuid.UUID | None = None
    """None if it is about no site."""
    day: dt.date | None = None
    """The day that the cause names; None if it names none."""
    recipient: str = ""
    """The id of the one user who is told; empty: those who reach the thing."""
    at: dt.datetime
    """The time of the cause."""
    first_due_at: dt.datetime
    """The time at which its messages could be sent first: a day later they have failed."""
    due_at: dt.datetime | None
    """The time at which they are to be sent; None unless the state is DUE."""
    state: CauseState = CauseState.DUE


class MessageState(enum.Enum):
    """The state of a message."""

    WRITTEN = "WRITTEN"
    """It was handed to its channel."""
    FAILED = "FAILED"
    """Its channel did not accept it within a day; a ticket says so."""
    BOUNCED = "BOUNCED"
    """Its mail came back."""
    SUPPRESSED = "SUPPRESSED"
    """It was not mailed: earlier mails to the address came back."""


class MessageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A message to one recipient. There is one for each cause and recipient."""

    id: uuid.UUID
    cause_id: uuid.UUID
    recipient: str
    """The id of a user, of a site whose contact it is for, or of a ticket whose sender it is for."""
    address: str
    """The digest of the address to which it was mailed; empty for a message of before addresses were remembered."""
    state: MessageState = MessageState.WRITTEN
    written_at: dt.datetime
    bounced_at: dt.datetime | None = None
    """The time of the report that its mail came back; None if none did, or if mail was resumed since then."""


def cause_id(kind: MessageKind, key: str) -> uuid.UUID:
    """Return the id of a cause: the same one whenever the cause is recorded."""
    return uuid.uuid5(_NAMESPACE, f"{kind.value} {key}")


def message_id(cause: uuid.UUID, recipient: str) -> uuid.UUID:
    """Return the id of a message, which is that of its mail: the same one whenever it is written."""
    return uuid.uuid5(cause, recipient)


def failure_ticket_id(kind: MessageKind, day: dt.date) -> uuid.UUID:
    """Return the id of the ticket about a kind's messages that could not be sent on a day."""
    return uuid.uuid5(_NAMESPACE, f"failed {kind.value} {day}")


def restore_ticket_id(restored_at: dt.datetime) -> uuid.UUID:
    """Return the id of the ticket about the messages that a restore has made uncertain."""
    return uuid.uuid5(_NAMESPACE, f"restored {restored_at.astimezone(dt.UTC).isoformat()}")


def retry_delay_s(attempts: int) -> int:
    """Return the seconds until the next attempt, after so many that failed: 1, 2, 4, ... and ten minutes at most."""
    return min(_MAX_RETRY_DELAY_S, 1 << min(attempts - 1, 10))
