"""The import of past pickups from the ERP (O12)."""

import datetime as dt
import enum
import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.orders.reports import GRAMS, ReportKind
from services.contracts.values import TextLimit
from services.orders.domain import calendar
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.holidays import Holidays
from services.orders.domain.pickup import PickupRecord, Report, ordered_pickup, regular_pickup
from services.orders.domain.validity import Number, Text
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.record_pickups import AcceptedReport, record_pickups
from services.orders.usecases.report_pickups import EARLIEST, MAX_CLOCK_SKEW

REPORTER = "erp"
"""The reporter of imported pickups; the pickup's number is the report's id."""

_DEFAULT_TIME = dt.time(9)


class RowOutcome(enum.Enum):
    """The outcome of a past pickup."""

    EMPTIED = "EMPTIED"
    FAILED = "FAILED"


class PickupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``pickups.csv``. ``done_at`` is an RFC 3339 instant, left out for 9 o'clock local time."""

    pickup_number: Number
    agreement_number: Number
    date: dt.date
    outcome: RowOutcome
    grams: Annotated[int, Meta(ge=GRAMS.least, le=GRAMS.most)] | None = None
    reason: Annotated[Text, TextLimit(200, lines=True)] | None = None
    done_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


async def import_pickups(tx: OrdersStore, rows: Sequence[PickupRow]) -> list[RowResult | RowError]:
    """Record each row that adds or changes a report of the ERP, with the events of any other report.

    A row may correct an earlier one; a report of a driver's system is never changed.
    """
    await tx.reports.lock_reporter(REPORTER)
    agreements = await tx.agreements.lock_by_number({row.agreement_number for row in rows})
    known = await tx.reports.by_id(REPORTER, {row.pickup_number for row in rows})
    orders = await tx.orders.lock_of_agreements(
        [agreement.id for agreement in agreements.values()], {row.date for row in rows}, []
    )
    ordered = [ordered_pickup(order.agreement_id, order.id, order.date) for order in orders.values()]
    holidays = await tx.holidays.of_zone(tx.clock.zone.key)
    accepted: dict[str, AcceptedReport] = {}
    results: list[RowResult | RowError] = []
    for row in rows:
        agreement = agreements.get(row.agreement_number)
        if agreement is None:
            results.append(row_error("agreement_number", "UNKNOWN", retryable=True, value=row.agreement_number))
            continue
        if (problem := _time_problem(row, tx.now, tx.today)) is not None:
            results.append(problem)
            continue
        pickup = _find_pickup(row, agreement, holidays, ordered)
        report = _to_report(row, pickup, dt.datetime.combine(row.date, _DEFAULT_TIME, tzinfo=tx.clock.zone))
        before = known.get(row.pickup_number)
        if before is not None and before.pickup_id != report.pickup_id:
            results.append(row_error("pickup_number", "OTHER_PICKUP"))
        elif before is not None and before.digest == report.digest:
            results.append(RowResult.UNCHANGED)
        else:
            known[row.pickup_number] = report
            accepted[row.pickup_number] = AcceptedReport(report, pickup, agreement)
            results.append(RowResult.CHANGED if before else RowResult.ADDED)
    await record_pickups(tx, list(accepted.values()), orders)
    return results


def _time_problem(row: PickupRow, now: dt.datetime, today: dt.date) -> RowError | None:
    """Return the error of a pickup that was not done yet, or that comes from a clock that was never set."""
    if row.done_at is not None and not EARLIEST <= row.done_at <= now + MAX_CLOCK_SKEW:
        return row_error("done_at", "MALFORMED", reason="RANGE", least=EARLIEST.date(), most=today)
    if row.done_at is None and not EARLIEST.date() <= row.date <= today:
        return row_error("date", "MALFORMED", reason="RANGE", least=EARLIEST.date(), most=today)
    return None


def _find_pickup(
    row: PickupRow, agreement: AgreementRecord, holidays: Holidays, ordered: Sequence[PickupRecord]
) -> PickupRecord:
    """Return the planned pickup of a row; else a pickup of its day, as the plan may have been another then."""
    planned = calendar.reported_pickups(agreement, holidays, ordered, row.date)
    return planned[0] if planned else regular_pickup(agreement.id, row.date, row.date)


def _to_report(row: PickupRow, pickup: PickupRecord, default_time: dt.datetime) -> Report:
    emptied = row.outcome is RowOutcome.EMPTIED
    return Report(
        reporter=REPORTER,
        report_id=row.pickup_number,
        pickup_id=pickup.id,
        kind=ReportKind(row.outcome.value),
        at=(row.done_at or default_time).astimezone(dt.UTC),
        grams=row.grams if emptied else None,
        reason=None if emptied else row.reason,
        digest=hashlib.sha256(msgspec.json.encode(row)).digest(),
    )
