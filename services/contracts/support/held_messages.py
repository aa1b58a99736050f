"""Messages that are held after a restore of support's database, until the staff decide about them."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.support.messages import MessageKind
from services.contracts.values import (
    Filter,
    Id,
    IdempotencyKey,
    IdOf,
    Length,
    MutationResult,
    OrganisationId,
    SiteId,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)

MAX_DECISIONS = 200

HeldMessageId = Annotated[str, TextLimit(100), IdOf("held")]


class HeldMessageState(enum.Enum):
    """The decision about held messages."""

    HELD = "HELD"
    """There is no decision yet."""
    SENT = "SENT"
    """The staff had them sent."""
    DROPPED = "DROPPED"
    """The staff decided that they are not sent."""


class HeldMessage(Value, frozen=True, kw_only=True):
    """The messages of one cause from before a restore of the database, which may have been sent before it."""

    id: Id
    """The global id."""
    kind: MessageKind
    """The kind."""
    description: str
    """The matter of messages of the kind, in the caller's language."""
    subject_id: Id
    """The id of the thing that they are about."""
    organisation_id: Id | None
    """The id of the organisation whose thing that is; None if it is nobody's, or that of an unknown sender."""
    site_id: Id | None
    """The id of the site; None if they are about no site."""
    caused_at: dt.datetime
    """The time of their cause."""
    expires_at: dt.datetime
    """The time from which on they are too old for their kind: they are not sent any more then."""
    held_at: dt.datetime
    """The time at which they were held."""
    state: HeldMessageState
    """The decision about them."""
    by: str | None
    """The id of the employee who decided; None while nobody has."""
    decided_at: dt.datetime | None
    """The time of the decision; None while there is none."""


class HeldMessageFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of held messages."""

    states: list[HeldMessageState] | None = None
    """Those in one of these states; None: in all."""
    kinds: list[MessageKind] | None = None
    """Those of one of these kinds; None: of all."""
    organisation_ids: list[OrganisationId] | None = None
    """Those about things of one of these organisations; None: of all, and of none."""
    site_ids: list[SiteId] | None = None
    """Those about one of these sites; None: about all, and about none."""


class HeldMessageOrderField(enum.Enum):
    """The fields that held messages can be ordered by."""

    CAUSED_AT = "CAUSED_AT"
    """By the time of their cause."""


class HeldMessageOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of held messages."""

    field: HeldMessageOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class DecideHeldMessages(Value, frozen=True, kw_only=True):
    """A decision about held messages."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    ids: Annotated[list[HeldMessageId], Length(1, MAX_DECISIONS)]
    """The ids of the held messages, at most 200."""
    send: bool
    """Whether they are sent to those who are to be told now; false: they are dropped for good."""


class HeldMessagesDecided(MutationResult, frozen=True, kw_only=True):
    """The decision was made."""

    decided: int
    """The number of held messages that it was made for."""
    skipped: int
    """The number of those that are unknown, or that somebody else has decided about meanwhile."""
