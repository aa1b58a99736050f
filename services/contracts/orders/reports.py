"""Reports on pickups from drivers' and planners' systems."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.values import (
    AgreementId,
    Length,
    MutationResult,
    OrderId,
    PickupId,
    Range,
    Refusal,
    TextLimit,
    Value,
)

REPORT_COUNT = Length(0, 500)

REASON_LENGTH = Length(1, 500)

GRAMS = Range(0, 60_000_000)


class ReportKind(enum.Enum):
    """The kind of a report on a pickup (O17)."""

    ARRIVED = "ARRIVED"
    """The truck has arrived."""
    EMPTIED = "EMPTIED"
    """The bins were emptied."""
    FAILED = "FAILED"
    """The bins could not be emptied."""


class PickupReport(Value, frozen=True, kw_only=True):
    """A report on a pickup from a driver's or planner's system.

    The pickup is identified by ``pickup_id`` alone, by ``order_id``, or by ``agreement_id`` and ``date``. With
    ``order_id``, the other two must agree with the order.
    """

    report_id: Annotated[str, TextLimit(200, verbatim=True)]
    """An id that the partner chooses: the same report again has no further effect."""
    kind: ReportKind
    """The kind of the reported event."""
    at: dt.datetime
    """The time of the reported event: the latest outcome is valid, in whichever order reports arrive."""
    pickup_id: PickupId | None = None
    """The id of the pickup; None if it is identified otherwise."""
    order_id: OrderId | None = None
    """The id of the order; None if the pickup is identified otherwise."""
    agreement_id: AgreementId | None = None
    """The id of the agreement; None if the pickup is identified otherwise."""
    date: dt.date | None = None
    """The day of the agreement's rhythm, or else the day to which a holiday moved the pickup or for which it was
    ordered; refused if two pickups come on it. None if the pickup is identified otherwise."""
    grams: Annotated[int, GRAMS] | None = None
    """The weight of all bins, in grams. Allowed with EMPTIED only; None if they were not weighed."""
    reason: Annotated[str, TextLimit(600, lines=True), REASON_LENGTH] | None = None
    """The reason, required with FAILED and not allowed otherwise."""


class ReportOutcome(Value, frozen=True, kw_only=True):
    """The result of a report."""

    report_id: str
    """The id of the report, as the partner chose it."""
    accepted: bool
    """Whether the report was accepted, now or before."""
    repeated: bool
    """Whether the report was known already."""
    refusal: Refusal | None
    """The reasons why it was refused; None if it was accepted."""


class PickupsReported(MutationResult, frozen=True, kw_only=True):
    """The results of reports. An invalid report does not affect the others."""

    outcomes: list[ReportOutcome]
    """The results, in the order of the reports."""
