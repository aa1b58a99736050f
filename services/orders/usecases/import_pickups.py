"""Taking in past pickups from the ERP (O12)."""

import datetime as dt
import enum
import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.orders import ReportKind
from services.contracts.values import TextLimit
from services.orders.domain import calendar, pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.holidays import Holidays
from services.orders.domain.pickup import PickupRecord, Report
from services.orders.domain.validity import Number, Text
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.record_pickups import AcceptedReport, record_pickups
from services.orders.usecases.report_pickups import EARLIEST, MAX_GRAMS

REPORTER = "erp"
"""Whose reports these are; a pickup number is the report's id."""

_DEFAULT_TIME = dt.time(9)


class RowOutcome(enum.Enum):
    """What became of a past pickup."""

    EMPTIED = "EMPTIED"
    FAILED = "FAILED"


class PickupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``pickups.csv``. ``done_at`` is an RFC 3339 instant, left out for 9 o'clock local time."""

    pickup_number: Number
    agreement_number: Number
    date: dt.date
    outcome: RowOutcome
    grams: Annotated[int, Meta(ge=0, le=MAX_GRAMS)] | None = None
    reason: Annotated[Text, TextLimit(200, lines=True)] | None = None
    done_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


async def import_pickups(tx: OrdersStore, rows: Sequence[PickupRow]) -> list[RowResult | RowError]:
    """Take each row as a report of the ERP; a row that was taken in before and has not changed stays untouched."""
    agreements = await tx.agreements_by_number({row.agreement_number for row in rows})
    known = await tx.reports_by_id(REPORTER, {row.pickup_number for row in rows})
    orders = await tx.orders_of_agreements([one.id for one in agreements.values()], {row.date for row in rows}, [])
    ordered = [pickup.ordered_pickup(one.agreement_id, one.id, one.date) for one in orders.values()]
    holidays = await tx.holidays()
    said: dict[str, AcceptedReport] = {}
    results: list[RowResult | RowError] = []
    for row in rows:
        agreement = agreements.get(row.agreement_number)
        if agreement is None:
            results.append(row_error("agreement_number", "UNKNOWN", later=True, value=row.agreement_number))
            continue
        if row.done_at is not None and row.done_at < EARLIEST:
            results.append(row_error("done_at", "MALFORMED", reason="INSTANT", oldest=EARLIEST.year))
            continue
        about = _find_pickup(row, agreement, holidays, ordered)
        report = _to_report(row, about, dt.datetime.combine(row.date, _DEFAULT_TIME, tzinfo=tx.clock.zone))
        before = known.get(row.pickup_number)
        if before is not None and before.pickup_id != report.pickup_id:
            results.append(row_error("pickup_number", "CONFLICT"))
        elif before is not None and before.digest == report.digest:
            results.append(RowResult.UNCHANGED)
        else:
            known[row.pickup_number] = report
            said[row.pickup_number] = AcceptedReport(report, about, agreement)
            results.append(RowResult.CHANGED if before else RowResult.ADDED)
    await record_pickups(tx, list(said.values()), orders)
    return results


def _find_pickup(
    row: PickupRow, agreement: AgreementRecord, holidays: Holidays, ordered: Sequence[PickupRecord]
) -> PickupRecord:
    """The pickup of the plan that a row means; history that was never on this plan is a pickup of its day."""
    there = calendar.find_reported_pickup(agreement, holidays, ordered, row.date)
    return there or pickup.regular_pickup(agreement.id, row.date, row.date)


def _to_report(row: PickupRow, about: PickupRecord, nine: dt.datetime) -> Report:
    emptied = row.outcome is RowOutcome.EMPTIED
    return Report(
        reporter=REPORTER,
        report_id=row.pickup_number,
        pickup_id=about.id,
        kind=ReportKind(row.outcome.value),
        at=(row.done_at or nine).astimezone(dt.UTC),
        grams=row.grams if emptied else None,
        reason=None if emptied else row.reason,
        digest=hashlib.sha256(msgspec.json.encode(row)).digest(),
    )
