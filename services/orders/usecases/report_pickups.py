"""The reports of drivers' and planners' systems: in any order, repeated without a second effect (O17)."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from services.access.caller import Caller
from services.chassis.ids import find_id
from services.chassis.rpc.text_limits import text_validator
from services.contracts.orders.reports import (
    GRAMS,
    REASON_LENGTH,
    REPORT_COUNT,
    PickupReport,
    PickupsReported,
    ReportKind,
    ReportOutcome,
)
from services.contracts.values import Problem, Refusal, length_problem, malformed, range_problem, refuse
from services.orders.domain import calendar
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.holidays import Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report, ordered_pickup
from services.orders.domain.pickup_id import read_pickup_id
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.record_pickups import AcceptedReport, record_pickups

EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""The least instant of a report: an earlier one comes from a clock that was never set."""

MAX_CLOCK_SKEW = dt.timedelta(hours=1)
"""The most by which a reporter's clock may be ahead of the service's."""

_text_problems = text_validator(PickupReport)


async def report_pickups(tx: OrdersStore, caller: Caller, reports: Sequence[PickupReport]) -> PickupsReported | Refusal:
    """Record each acceptable report, and return the outcome of every report.

    All reports are decided before the first is saved, so a bad report undoes no other. The lock of the reporter
    serialises a caller's calls: that makes its report ids unique.
    """
    if len(reports) > REPORT_COUNT.most:
        return refuse("TOO_MANY", "reports", limit=REPORT_COUNT.most)
    await tx.reports.lock_reporter(caller.subject_id)
    refusals = [report_refusal(report, number, tx.now) for number, report in enumerate(reports)]
    # A malformed report is not looked up: PostgreSQL refuses a text with a NUL.
    well_formed = [report for report, refusal in zip(reports, refusals, strict=True) if refusal is None]
    batch = await _ReportBatch.load(tx, caller, well_formed)
    outcomes = [
        batch.process(number, report, refusal)
        for number, (report, refusal) in enumerate(zip(reports, refusals, strict=True))
    ]
    await record_pickups(tx, batch.accepted, batch.orders)
    return PickupsReported(outcomes=outcomes)


class _NamedPickups(msgspec.Struct, frozen=True):
    """The records of the pickups that reports name by their ids."""

    agreement_of_key: Mapping[int, uuid.UUID]
    """The agreements by their keys (``domain.pickup_id``)."""
    order_of_key: Mapping[int, uuid.UUID]
    """The orders by their keys."""
    recorded: Mapping[uuid.UUID, RecordedPickup]


class _ReportBatch:
    """A caller's reports with the records that decide about them; ``accepted`` are those accepted so far."""

    def __init__(
        self,
        caller: Caller,
        known: Mapping[str, Report],
        agreements: Mapping[uuid.UUID, AgreementRecord],
        agreement_ids: Mapping[uuid.UUID, uuid.UUID],
        orders: Mapping[uuid.UUID, OrderRecord],
        named: "_NamedPickups",
        holidays: Holidays,
    ) -> None:
        self._caller = caller
        self._known = {report_id: report.digest for report_id, report in known.items()}
        self._agreements = agreements
        self._agreement_ids = agreement_ids
        self._named = named
        self._holidays = holidays
        self._ordered = [ordered_pickup(order.agreement_id, order.id, order.date) for order in orders.values()]
        self.orders = orders
        self.accepted: list[AcceptedReport] = []

    @classmethod
    async def load(cls, tx: OrdersStore, caller: Caller, reports: Sequence[PickupReport]) -> "_ReportBatch":
        """Lock the agreements of the reports that the caller reaches, and load the rest."""
        pickup_ids = {found for report in reports if (found := find_id("pickup", report.pickup_id or ""))}
        parts = [read for pickup_id in pickup_ids if (read := read_pickup_id(pickup_id))]
        agreement_of_key = await tx.agreements.ids_by_key([one.key for one in parts if one.planned_on])
        order_of_key = await tx.orders.ids_by_key([one.key for one in parts if one.number])
        order_ids = [order_id for report in reports if (order_id := find_id("order", report.order_id or ""))]
        order_ids += order_of_key.values()
        agreement_ids = await tx.orders.agreement_ids(order_ids)
        stated = {found for report in reports if (found := find_id("agreement", report.agreement_id or ""))}
        agreements = await tx.agreements.lock_visible(
            caller, tx.today, {*stated, *agreement_of_key.values(), *agreement_ids.values()}
        )
        recorded = await tx.pickups.lock_by_id(pickup_ids)
        named = _NamedPickups(agreement_of_key, order_of_key, recorded)
        dates = {report.date for report in reports if report.date}
        orders = await tx.orders.lock_of_agreements(agreements, dates, order_ids)
        known = await tx.reports.by_id(caller.subject_id, {report.report_id for report in reports})
        holidays = await tx.holidays.of_zone(tx.clock.zone.key)
        return cls(caller, known, agreements, agreement_ids, orders, named, holidays)

    def process(self, number: int, report: PickupReport, refusal: Refusal | None) -> ReportOutcome:
        """Decide about a report, unless it is refused already."""
        decision = refusal or self._decide(number, report)
        refusal = decision if isinstance(decision, Refusal) else None
        return ReportOutcome(
            report_id=report.report_id, accepted=refusal is None, repeated=decision is True, refusal=refusal
        )

    def _decide(self, number: int, report: PickupReport) -> Refusal | bool:
        """Return the refusal of a report, or whether it is a repeated one."""
        in_utc = msgspec.structs.replace(report, at=report.at.astimezone(dt.UTC))
        digest = hashlib.sha256(msgspec.json.encode(in_utc)).digest()
        known = self._known.get(report.report_id)
        if known is not None:
            return known == digest or refuse("IDEMPOTENCY_CONFLICT", "reports", str(number), "reportId")
        pickup = self._pickup(report, number)
        if isinstance(pickup, Refusal):
            return pickup
        self._known[report.report_id] = digest
        recorded = Report(
            reporter=self._caller.subject_id,
            report_id=report.report_id,
            pickup_id=pickup.id,
            kind=report.kind,
            at=in_utc.at,
            grams=report.grams,
            reason=report.reason,
            digest=digest,
        )
        self.accepted.append(AcceptedReport(recorded, pickup, self._agreements[pickup.agreement_id]))
        return False

    def _pickup(self, report: PickupReport, number: int) -> PickupRecord | Refusal:
        if report.pickup_id is not None:
            return self._named_pickup(report.pickup_id, number)
        if report.order_id is not None:
            return self._pickup_of_order(report.order_id, report, number)
        assert report.agreement_id is not None and report.date is not None, "_report_problems requires both"
        return self._pickup_of_agreement(report.agreement_id, report.date, number)

    def _named_pickup(self, pickup_text: str, number: int) -> PickupRecord | Refusal:
        pickup_id = find_id("pickup", pickup_text)
        parts = read_pickup_id(pickup_id) if pickup_id else None
        if pickup_id is None or parts is None:
            return refuse("NOT_FOUND", "reports", str(number), "pickupId")
        order_id = None if parts.planned_on else self._named.order_of_key.get(parts.key)
        agreement_id = self._named.agreement_of_key.get(parts.key) if parts.planned_on else None
        if order_id is not None:
            agreement_id = self._agreement_ids.get(order_id)
        agreement = self._agreement(agreement_id, "pickupId", number)
        if isinstance(agreement, Refusal):
            return agreement
        if (recorded := self._named.recorded.get(pickup_id)) is not None:
            return recorded.pickup
        if order_id is not None and order_id not in self.orders:
            return refuse("NOT_PLANNED", "reports", str(number), "pickupId", reason="ORDER")
        regular = (
            calendar.find_regular_pickup(agreement, self._holidays, parts.planned_on) if parts.planned_on else None
        )
        planned = [regular] if regular else self._ordered
        return next(
            (pickup for pickup in planned if pickup.id == pickup_id),
            refuse("NOT_FOUND", "reports", str(number), "pickupId"),
        )

    def _pickup_of_order(self, order_text: str, report: PickupReport, number: int) -> PickupRecord | Refusal:
        order_id = find_id("order", order_text)
        agreement = self._agreement(self._agreement_ids.get(order_id) if order_id else None, "orderId", number)
        if isinstance(agreement, Refusal):
            return agreement
        order = self.orders.get(order_id) if order_id else None
        if order is None:
            return refuse("NOT_PLANNED", "reports", str(number), "orderId", reason="ORDER")
        if report.agreement_id is not None and find_id("agreement", report.agreement_id) != order.agreement_id:
            return refuse("NOT_OF_ORDER", "reports", str(number), "agreementId")
        if report.date is not None and report.date != order.date:
            return refuse("NOT_OF_ORDER", "reports", str(number), "date")
        return ordered_pickup(order.agreement_id, order.id, order.date)

    def _pickup_of_agreement(self, agreement_text: str, date: dt.date, number: int) -> PickupRecord | Refusal:
        agreement = self._agreement(find_id("agreement", agreement_text), "agreementId", number)
        if isinstance(agreement, Refusal):
            return agreement
        planned = calendar.reported_pickups(agreement, self._holidays, self._ordered, date)
        if not planned:
            return refuse("NOT_PLANNED", "reports", str(number), "date", date=date)
        if len(planned) > 1:
            return refuse("SEVERAL_PLANNED", "reports", str(number), "date", date=date)
        return planned[0]

    def _agreement(self, agreement_id: uuid.UUID | None, field: str, number: int) -> AgreementRecord | Refusal:
        """Return the agreement of a report, if the caller reaches it and its site is known."""
        agreement = self._agreements.get(agreement_id) if agreement_id else None
        if agreement is None:
            return refuse("NOT_FOUND", "reports", str(number), field)
        if agreement.site_is_placeholder:
            return refuse("NOT_READY_YET", "reports", str(number), field, retryable=True)
        return agreement


def report_refusal(report: PickupReport, number: int, now: dt.datetime) -> Refusal | None:
    """Return the refusal of a malformed report, with its first problem."""
    for problem in _report_problems(report, now):
        return Refusal(problems=[msgspec.structs.replace(problem, path=["reports", str(number), *problem.path])])
    return None


def _report_problems(report: PickupReport, now: dt.datetime) -> Iterator[Problem]:
    yield from _text_problems(report)
    if not report.report_id:
        yield malformed("reportId", reason="REQUIRED")
    yield from _name_problems(report)
    if report.at.tzinfo is None or not EARLIEST <= report.at <= now + MAX_CLOCK_SKEW:
        yield malformed(
            "at", reason="RANGE", least=_format_instant(EARLIEST), most=_format_instant(now + MAX_CLOCK_SKEW)
        )
    if problem := range_problem(report.grams or 0, GRAMS, "grams"):
        yield problem
    if report.grams is not None and report.kind is not ReportKind.EMPTIED:
        yield malformed("grams", reason="LEAVE_OUT")
    if report.kind is ReportKind.FAILED:
        if problem := length_problem((report.reason or "").strip(), REASON_LENGTH, "reason"):
            yield problem
    elif report.reason is not None:
        yield malformed("reason", reason="LEAVE_OUT")


def _name_problems(report: PickupReport) -> Iterator[Problem]:
    """Yield the problems of the inputs that identify the pickup."""
    others = {"orderId": report.order_id, "agreementId": report.agreement_id, "date": report.date}
    if report.pickup_id is not None:
        yield from (malformed(name, reason="LEAVE_OUT") for name, value in others.items() if value is not None)
    elif report.order_id is None:
        required = [name for name in ("agreementId", "date") if others[name] is None]
        yield from (malformed(name, reason="REQUIRED") for name in required)


def _format_instant(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
