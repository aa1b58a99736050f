"""Pickups and their outcomes: a fold of reports in any order, repeated or not (O12, O17)."""

import datetime as dt
import uuid
from collections.abc import Iterable

import msgspec

from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.orders.reports import ReportKind
from services.contracts.sites import Fraction
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.pickup_id import ordered_pickup_id, regular_pickup_id


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report of a pickup, from a driver's system or the ERP. ``reporter`` and ``report_id`` identify it."""

    reporter: str
    report_id: str
    """Unique for its reporter."""
    pickup_id: uuid.UUID
    kind: ReportKind
    at: dt.datetime
    """The instant of the event that it reports."""
    grams: int | None
    reason: str | None
    digest: bytes
    """The hash of its content, which tells a repeated report from a conflicting one."""


class PickupOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a pickup: ``grams`` of an emptied one, ``failure`` as the reason of a failed one."""

    state: PickupState = PickupState.PLANNED
    done_at: dt.datetime | None = None
    grams: int | None = None
    failure: str | None = None


NO_OUTCOME = PickupOutcome()


class PickupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A pickup of an agreement's containers, planned or recorded."""

    id: uuid.UUID
    agreement_id: uuid.UUID
    order_id: uuid.UUID | None = None
    """None for a regular pickup."""
    date: dt.date
    planned_on: dt.date
    """The day before a holiday moved it to ``date``."""
    outcome: PickupOutcome = NO_OUTCOME
    version: int = 0
    """0 without a report; rises with every change of the outcome."""
    article_id: uuid.UUID | None = None
    """The article under which it was recorded, set once; None without a report: it is the agreement's present one."""
    fraction: Fraction | None = None
    """The fraction under which it was recorded; None without a report."""


class RecordedPickup(msgspec.Struct, frozen=True, kw_only=True):
    """A pickup with a report, and the facts of its agreement at the time of the first one.

    They follow no later change of the agreement or of its site's holder.
    """

    pickup: PickupRecord
    organisation_id: uuid.UUID
    site_id: uuid.UUID
    article_id: uuid.UUID
    fraction: Fraction


def recorded_under(pickup: PickupRecord, agreement: AgreementRecord) -> RecordedPickup:
    """Return the pickup with the present facts of its agreement."""
    return RecordedPickup(
        pickup=pickup,
        organisation_id=agreement.organisation_id,
        site_id=agreement.facts.site_id,
        article_id=agreement.facts.article_id,
        fraction=agreement.facts.fraction,
    )


def regular_pickup(agreement_id: uuid.UUID, planned_on: dt.date, date: dt.date) -> PickupRecord:
    """Return a pickup of the agreement's cadence."""
    pickup_id = regular_pickup_id(agreement_id, planned_on)
    return PickupRecord(id=pickup_id, agreement_id=agreement_id, date=date, planned_on=planned_on)


def ordered_pickup(agreement_id: uuid.UUID, order_id: uuid.UUID, date: dt.date) -> PickupRecord:
    """Return an ordered pickup."""
    pickup_id = ordered_pickup_id(order_id)
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
    """Return the outcome of a pickup's reports, whatever their order.

    An outcome wins over an arrival, a later outcome over an earlier one, and of two at one time the higher report id.
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
    """Return the pickup with this outcome; unchanged if it has it already."""
    if pickup.outcome == outcome:
        return pickup
    return msgspec.structs.replace(pickup, outcome=outcome, version=pickup.version + 1)


def order_state(outcome: PickupOutcome) -> OrderState | None:
    """Return the state of an order whose pickup has this outcome; None if the order does not move."""
    return _ORDER_STATES.get(outcome.state)
