"""Pickups, and what became of them: reports folded in any order, however often they come (O12, O17)."""

import datetime as dt
import uuid
from collections.abc import Iterable

import msgspec

from services.contracts.orders import OrderState, PickupState, ReportKind
from services.contracts.sites import Fraction
from services.orders.domain.agreement import AgreementRecord


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver's system, or the ERP, says of a pickup.

    ``reporter`` is who says so, ``report_id`` the reporter's own; the two name the report. ``digest`` tells its
    content apart from another's under the same name. ``at`` is when it happened.
    """

    reporter: str
    report_id: str
    pickup_id: uuid.UUID
    kind: ReportKind
    at: dt.datetime
    grams: int | None
    reason: str | None
    digest: bytes


class PickupOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a pickup: ``done_at`` and ``grams`` of an emptied one, ``failure`` why it was not."""

    state: PickupState = PickupState.PLANNED
    done_at: dt.datetime | None = None
    grams: int | None = None
    failure: str | None = None


NO_OUTCOME = PickupOutcome()


class PickupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One emptying. The truck comes on ``date``; ``planned_on`` is the day before any holiday moved it.

    ``order_id`` is set for an ordered one. ``version`` rises with every change of the outcome, and is 0 as long as
    nothing was reported.
    """

    id: uuid.UUID
    agreement_id: uuid.UUID
    order_id: uuid.UUID | None = None
    date: dt.date
    planned_on: dt.date
    outcome: PickupOutcome = NO_OUTCOME
    version: int = 0


class RecordedPickup(msgspec.Struct, frozen=True, kw_only=True):
    """A pickup of which something is known, with whose it was and what was emptied when that was recorded.

    It stays so when the agreement changes: what is stated of a version of a pickup is the same at any time.
    """

    pickup: PickupRecord
    organisation_id: uuid.UUID
    site_id: uuid.UUID
    article_id: uuid.UUID
    fraction: Fraction


def recorded_under(pickup: PickupRecord, agreement: AgreementRecord) -> RecordedPickup:
    """The pickup as it is recorded now, under its agreement as it is now."""
    return RecordedPickup(
        pickup=pickup,
        organisation_id=agreement.organisation_id,
        site_id=agreement.facts.site_id,
        article_id=agreement.facts.article_id,
        fraction=agreement.facts.fraction,
    )


def regular_pickup(agreement_id: uuid.UUID, planned_on: dt.date, date: dt.date) -> PickupRecord:
    """A pickup of the agreement's cadence. Its id follows from agreement and planned day, so it never changes."""
    pickup_id = uuid.uuid5(agreement_id, planned_on.isoformat())
    return PickupRecord(id=pickup_id, agreement_id=agreement_id, date=date, planned_on=planned_on)


def ordered_pickup(agreement_id: uuid.UUID, order_id: uuid.UUID, date: dt.date) -> PickupRecord:
    """An ordered pickup. Its id follows from the order's."""
    pickup_id = uuid.uuid5(order_id, "extra")
    return PickupRecord(id=pickup_id, agreement_id=agreement_id, order_id=order_id, date=date, planned_on=date)


_STATES = {
    ReportKind.ARRIVED: PickupState.ARRIVED,
    ReportKind.EMPTIED: PickupState.EMPTIED,
    ReportKind.FAILED: PickupState.FAILED,
}
_ORDER_STATES = {
    PickupState.ARRIVED: OrderState.IN_PROGRESS,
    PickupState.EMPTIED: OrderState.COMPLETED,
    PickupState.FAILED: OrderState.FAILED,
}


def fold_reports(reports: Iterable[Report]) -> PickupOutcome:
    """What the reports of one pickup come to, in whatever order they are given.

    An outcome beats an arrival; among outcomes the latest wins, and where two are equally late the higher report id.
    """
    last = max(
        reports,
        key=lambda report: (report.kind is not ReportKind.ARRIVED, report.at, report.report_id, report.reporter),
        default=None,
    )
    if last is None:
        return NO_OUTCOME
    done = last.kind is not ReportKind.ARRIVED
    return PickupOutcome(
        state=_STATES[last.kind], done_at=last.at if done else None, grams=last.grams, failure=last.reason
    )


def apply_outcome(pickup: PickupRecord, outcome: PickupOutcome) -> PickupRecord:
    """The pickup with this outcome; the same as before if it had it already."""
    if pickup.outcome == outcome:
        return pickup
    return msgspec.structs.replace(pickup, outcome=outcome, version=pickup.version + 1)


def order_state(outcome: PickupOutcome) -> OrderState | None:
    """Where an order goes whose pickup has this outcome; None if it stays."""
    return _ORDER_STATES.get(outcome.state)
