"""Drivers' and planners' systems report pickups: in any order, more than once, without double effects (O17)."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from services.access.caller import Caller
from services.chassis.ids import find_id
from services.chassis.rpc.text_limits import text_validator
from services.contracts.orders import PickupReport, PickupsReported, ReportKind, ReportOutcome
from services.contracts.values import Problem, Refusal, length_problem, malformed, refuse
from services.orders.domain import calendar, pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.holidays import Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, Report
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.record_pickups import AcceptedReport, record_pickups

MAX_REPORTS = 500
MAX_GRAMS = 60_000_000
MAX_REASON_LENGTH = 500
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""What happened before this was dated by a clock that was never set."""

_text_problems = text_validator(PickupReport)

_MAX_CLOCK_SKEW = dt.timedelta(hours=1)
"""How far a driver's clock may be ahead of ours."""


async def report_pickups(tx: OrdersStore, caller: Caller, reports: Sequence[PickupReport]) -> PickupsReported | Refusal:
    """Take in each report that can be taken in, and say of each what became of it.

    Every decision falls before anything is written, so a bad report undoes no other. A caller's calls are taken in
    one after the other: that makes its report ids unique.
    """
    if len(reports) > MAX_REPORTS:
        return refuse("TOO_MANY", "reports", limit=MAX_REPORTS)
    await tx.acquire_lock(caller.subject_id)
    faults = [report_refusal(report, number, tx.now) for number, report in enumerate(reports)]
    # What is malformed can't even be looked up: a text with a NUL is none of PostgreSQL's.
    sound = [report for report, fault in zip(reports, faults, strict=True) if fault is None]
    taking = await _ReportBatch.load(tx, caller, sound)
    outcomes = [
        taking.process(number, report, fault)
        for number, (report, fault) in enumerate(zip(reports, faults, strict=True))
    ]
    await record_pickups(tx, taking.accepted, taking.orders)
    return PickupsReported(outcomes=outcomes)


class _ReportBatch:
    """What is needed to decide about each of a caller's reports, and what was taken so far."""

    def __init__(
        self,
        caller: Caller,
        known: Mapping[str, Report],
        agreements: Mapping[uuid.UUID, AgreementRecord],
        of_orders: Mapping[uuid.UUID, uuid.UUID],
        orders: Mapping[uuid.UUID, OrderRecord],
        holidays: Holidays,
    ) -> None:
        self._caller = caller
        self._known = {report_id: report.digest for report_id, report in known.items()}
        self._agreements = agreements
        self._of_orders = of_orders
        self._holidays = holidays
        self._ordered = [pickup.ordered_pickup(one.agreement_id, one.id, one.date) for one in orders.values()]
        self.orders = orders
        self.accepted: list[AcceptedReport] = []

    @classmethod
    async def load(cls, tx: OrdersStore, caller: Caller, reports: Sequence[PickupReport]) -> "_ReportBatch":
        """Lock the agreements that the reports are about, as far as the caller reaches them."""
        order_ids = [one for report in reports if (one := find_id("order", report.order_id or ""))]
        agreement_ids = [one for report in reports if (one := find_id("agreement", report.agreement_id or ""))]
        of_orders = await tx.agreement_ids_of_orders(order_ids)
        agreements = await tx.visible_agreements(caller, {*agreement_ids, *of_orders.values()})
        dates = {report.date for report in reports if report.date}
        orders = await tx.orders_of_agreements(agreements, dates, order_ids)
        known = await tx.reports_by_id(caller.subject_id, {report.report_id for report in reports})
        return cls(caller, known, agreements, of_orders, orders, await tx.holidays())

    def process(self, number: int, report: PickupReport, fault: Refusal | None) -> ReportOutcome:
        """Decide about one report. ``fault``: why it is malformed, if it is."""
        decided = fault or self._decide(number, report)
        refusal = decided if isinstance(decided, Refusal) else None
        return ReportOutcome(
            report_id=report.report_id, accepted=refusal is None, repeated=decided is True, refusal=refusal
        )

    def _decide(self, number: int, report: PickupReport) -> Refusal | bool:
        """Why a report is not taken, or whether it was known."""
        same = msgspec.structs.replace(report, at=report.at.astimezone(dt.UTC))
        digest = hashlib.sha256(msgspec.json.encode(same)).digest()
        known = self._known.get(report.report_id)
        if known is not None:
            return known == digest or refuse("IDEMPOTENCY_CONFLICT", "reports", str(number), "reportId")
        about = self._pickup(report, number)
        if isinstance(about, Refusal):
            return about
        self._known[report.report_id] = digest
        made = Report(
            reporter=self._caller.subject_id,
            report_id=report.report_id,
            pickup_id=about.id,
            kind=report.kind,
            at=same.at,
            grams=report.grams,
            reason=report.reason,
            digest=digest,
        )
        self.accepted.append(AcceptedReport(made, about, self._agreements[about.agreement_id]))
        return False

    def _pickup(self, report: PickupReport, number: int) -> PickupRecord | Refusal:
        if report.order_id is not None:
            return self._pickup_of_order(report.order_id, report, number)
        assert report.agreement_id is not None and report.date is not None, "wrong_in says so"
        return self._pickup_of_agreement(report.agreement_id, report.date, number)

    def _pickup_of_order(self, named: str, report: PickupReport, number: int) -> PickupRecord | Refusal:
        order_id = find_id("order", named)
        agreement = self._agreement(self._of_orders.get(order_id) if order_id else None, "orderId", number)
        if isinstance(agreement, Refusal):
            return agreement
        order = self.orders.get(order_id) if order_id else None
        if order is None:
            return refuse("NOT_PLANNED", "reports", str(number), "orderId", reason="ORDER")
        if report.agreement_id is not None and find_id("agreement", report.agreement_id) != order.agreement_id:
            return refuse("NOT_OF_ORDER", "reports", str(number), "agreementId")
        if report.date is not None and report.date != order.date:
            return refuse("NOT_OF_ORDER", "reports", str(number), "date")
        return pickup.ordered_pickup(order.agreement_id, order.id, order.date)

    def _pickup_of_agreement(self, named: str, date: dt.date, number: int) -> PickupRecord | Refusal:
        agreement = self._agreement(find_id("agreement", named), "agreementId", number)
        if isinstance(agreement, Refusal):
            return agreement
        there = calendar.find_reported_pickup(agreement, self._holidays, self._ordered, date)
        return there or refuse("NOT_PLANNED", "reports", str(number), "date", date=date)

    def _agreement(self, agreement_id: uuid.UUID | None, field: str, number: int) -> AgreementRecord | Refusal:
        """The agreement that a report means, if the caller reaches it and its site is known."""
        agreement = self._agreements.get(agreement_id) if agreement_id else None
        if agreement is None:
            return refuse("NOT_FOUND", "reports", str(number), field)
        if agreement.site_is_placeholder:
            return refuse("NOT_READY_YET", "reports", str(number), field, retryable=True)
        return agreement


def report_refusal(report: PickupReport, number: int, now: dt.datetime) -> Refusal | None:
    """What is wrong with a report by itself: the first that there is."""
    for problem in _report_problems(report, now):
        return Refusal(problems=[msgspec.structs.replace(problem, path=["reports", str(number), *problem.path])])
    return None


def _report_problems(report: PickupReport, now: dt.datetime) -> Iterator[Problem]:
    yield from _text_problems(report)
    if not report.report_id:
        yield malformed("reportId", reason="REQUIRED")
    if report.order_id is None and report.agreement_id is None:
        yield malformed("agreementId", reason="REQUIRED")
    if report.order_id is None and report.date is None:
        yield malformed("date", reason="REQUIRED")
    if report.at.tzinfo is None or not EARLIEST <= report.at <= now + _MAX_CLOCK_SKEW:
        yield malformed(
            "at", reason="RANGE", least=_format_instant(EARLIEST), most=_format_instant(now + _MAX_CLOCK_SKEW)
        )
    if not 0 <= (report.grams or 0) <= MAX_GRAMS:
        yield malformed("grams", reason="RANGE", least=0, most=MAX_GRAMS)
    if report.grams is not None and report.kind is not ReportKind.EMPTIED:
        yield malformed("grams", reason="LEAVE_OUT")
    if report.kind is ReportKind.FAILED:
        wrong = length_problem((report.reason or "").strip(), 1, MAX_REASON_LENGTH, "reason")
        if wrong is not None:
            yield wrong
    elif report.reason is not None:
        yield malformed("reason", reason="LEAVE_OUT")


def _format_instant(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
