"""Bulk operations: work on many things at once, which goes on after the call that started it."""

import datetime as dt
import enum

from services.contracts.values import Id, Value


class BulkOperationState(enum.Enum):
    """The state of a bulk operation."""

    STAGED = "STAGED"
    """Everything that it needs is there; it was not started."""
    RUNNING = "RUNNING"
    """Things are being processed."""
    DONE = "DONE"
    """All things were processed; final."""
    FAILED = "FAILED"
    """It was given up before its last thing; final. Things that were processed until then stay so."""
    CANCELLED = "CANCELLED"
    """It was cancelled before its last thing; final. Things that were processed until then stay so."""

    @property
    def final(self) -> bool:
        """Whether the state never changes again."""
        return self not in (BulkOperationState.STAGED, BulkOperationState.RUNNING)


class BulkOperation(Value, frozen=True, kw_only=True):
    """Work on many things at once, which goes on after the call that started it."""

    id: Id
    """The global id."""
    kind: str
    """The kind of the things that are processed, for example ``agreements``."""
    state: BulkOperationState
    """The state."""
    total: int
    """The number of things to process."""
    done: int
    """The number of processed things."""
    succeeded: int
    """The number of processed things without a failure, those included that needed no change."""
    failed: int
    """The number of processed things that failed."""
    started_at: dt.datetime | None = None
    """The time at which it was started; None before."""
    finished_at: dt.datetime | None = None
    """The time at which it reached its final state; None before."""
    starter_id: Id | None = None
    """The id of the user who started it; None before, and if they are not known."""


class BulkProgress(Value, frozen=True, kw_only=True):
    """The progress of a bulk operation."""

    operation_id: Id
    """The id of the bulk operation."""
    state: BulkOperationState
    """The state."""
    total: int
    """The number of things to process."""
    done: int
    """The number of processed things."""
    succeeded: int
    """The number of processed things without a failure, those included that needed no change."""
    failed: int
    """The number of processed things that failed."""
    finished_at: dt.datetime | None
    """The time at which it reached its final state; None before."""
