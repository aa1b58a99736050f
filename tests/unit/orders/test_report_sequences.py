"""O17: order and pickup agree after any sequence of reports."""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.caller import Caller
from services.chassis.ids import write_id
from services.contracts.orders.events import OrderMoved, PickupRecorded
from services.contracts.orders.orders import SYSTEM, OrderKind, OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.orders.reports import PickupReport, PickupsReported, ReportKind
from services.contracts.permission import SubjectKind
from services.contracts.sites import Fraction
from services.orders.domain import order, pickup
from services.orders.domain.holidays import Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import RecordedPickup, Report
from services.orders.usecases.ports.transaction import OrdersStore
from services.orders.usecases.record_pickups import AcceptedReport, record_pickups
from services.orders.usecases.report_pickups import report_pickups
from tests.support.clock import TestClock
from tests.unit.orders.factories import NOBODY, agreement, holidays

NOW = dt.datetime(2026, 3, 12, 8, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 3, 12)
ORDER = uuid.UUID(int=7 << 76 | 1)
PARTNER = Caller(subject_id="partner_1", kind=SubjectKind.PARTNER, scopes=frozenset({"pickups:report"}))
EXPECTED_STATES = {
    PickupState.PLANNED: OrderState.SCHEDULED,
    PickupState.ARRIVED: OrderState.IN_PROGRESS,
    PickupState.EMPTIED: OrderState.COMPLETED,
    PickupState.FAILED: OrderState.FAILED,
}

ReportStep = tuple[ReportKind, int]
"""The kind of a report, and the minute at which it happened."""


class InMemoryAgreements:
    """The one agreement, which the caller reaches."""

    def __init__(self) -> None:
        self.agreement = agreement()

    async def lock_visible(self, *_: object) -> object:
        return {self.agreement.id: self.agreement}

    async def ids_by_key(self, _: object) -> dict[int, uuid.UUID]:
        return {}


class InMemoryOrders:
    """The one order, scheduled."""

    def __init__(self, agreement_id: uuid.UUID) -> None:
        placed = order.place(
            ORDER,
            "ORD-2026-000001",
            kind=OrderKind.EXTRA_PICKUP,
            organisation_id=NOBODY,
            site_id=NOBODY,
            agreement_id=agreement_id,
            article_id=NOBODY,
            fraction=Fraction.RESIDUAL,
            date=DAY,
            price=None,
            at=NOW,
            by="user_1",
        )
        confirmed = order.transition(placed, OrderState.CONFIRMED, at=NOW, by=SYSTEM)
        self.order = order.transition(confirmed, OrderState.SCHEDULED, at=NOW, by=SYSTEM)

    async def agreement_ids(self, order_ids: Iterable[uuid.UUID]) -> object:
        return dict.fromkeys(order_ids, self.order.agreement_id)

    async def ids_by_key(self, _: object) -> dict[int, uuid.UUID]:
        return {}

    async def lock_of_agreements(self, *_: object) -> dict[uuid.UUID, OrderRecord]:
        return {ORDER: self.order}

    async def save(self, orders: Sequence[OrderRecord]) -> None:
        for saved in orders:
            self.order = saved


class InMemoryPickups:
    """The pickup of the order."""

    def __init__(self, agreement_id: uuid.UUID) -> None:
        self.pickup = pickup.ordered_pickup(agreement_id, ORDER, DAY)
        self.recorded: dict[uuid.UUID, RecordedPickup] = {}

    async def lock_by_id(self, _: object) -> dict[uuid.UUID, RecordedPickup]:
        return self.recorded

    async def save(self, pickups: Sequence[RecordedPickup]) -> None:
        for saved in pickups:
            self.pickup = saved.pickup
            self.recorded[self.pickup.id] = saved


class InMemoryReports:
    """The reports of the pickup, by id."""

    def __init__(self) -> None:
        self.saved: dict[str, Report] = {}

    async def lock_reporter(self, subject_id: str) -> None:
        pass

    async def by_id(self, _: str, report_ids: Iterable[str]) -> dict[str, Report]:
        return {report_id: self.saved[report_id] for report_id in report_ids if report_id in self.saved}

    async def of_pickups(self, pickup_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Sequence[Report]]:
        return {pickup_id: list(self.saved.values()) for pickup_id in pickup_ids}

    async def save(self, reports: Sequence[Report]) -> None:
        self.saved |= {report.report_id: report for report in reports}


class InMemoryHolidays:
    """No holidays."""

    async def of_zone(self, _: str) -> Holidays:
        return holidays()


class InMemoryTransaction:
    """A transaction on one scheduled order in memory, with the repositories that reports need."""

    def __init__(self) -> None:
        self.clock = TestClock(NOW)
        self.now, self.today = NOW, DAY
        self.events: list[object] = []
        self.agreements = InMemoryAgreements()
        self.orders = InMemoryOrders(self.agreements.agreement.id)
        self.pickups = InMemoryPickups(self.agreements.agreement.id)
        self.reports = InMemoryReports()
        self.holidays = InMemoryHolidays()

    def emit(self, event: object) -> None:
        self.events.append(event)

    def states(self) -> tuple[PickupState, OrderState, str | None]:
        """Return the states of pickup and order, which agree, and the reason of a failure."""
        outcome, current = self.pickups.pickup.outcome, self.orders.order
        assert current.state is EXPECTED_STATES[outcome.state]
        assert current.timeline[-1].reason == outcome.failure
        assert len(current.timeline) == current.version
        return outcome.state, current.state, outcome.failure

    def check_events(self) -> None:
        """Check that the events of pickup and order agree, too."""
        moved = [event for event in self.events if isinstance(event, OrderMoved)]
        recorded = [event for event in self.events if isinstance(event, PickupRecorded)]
        assert [event.version for event in recorded] == list(range(1, len(recorded) + 1))
        assert [event.version for event in moved] == list(range(4, len(moved) + 4))
        if recorded:
            assert moved[-1].state is EXPECTED_STATES[recorded[-1].state]


def report(number: int, step: ReportStep) -> PickupReport:
    kind, minute = step
    return PickupReport(
        report_id=f"r{number}",
        kind=kind,
        at=NOW - dt.timedelta(minutes=10 - minute),
        order_id=write_id("order", ORDER),
        reason=f"Portti {number}" if kind is ReportKind.FAILED else None,
    )


async def send(store: InMemoryTransaction, *reports: PickupReport) -> None:
    answer = await report_pickups(cast(OrdersStore, cast(Any, store)), PARTNER, reports)
    assert isinstance(answer, PickupsReported)
    assert all(one.accepted for one in answer.outcomes)


def expected(steps: Sequence[tuple[int, ReportStep]]) -> PickupState:
    """Return the last outcome, of two at one time that of the higher id; without any, whether the truck arrived."""
    outcomes = [(minute, f"r{number}", kind) for number, (kind, minute) in steps if kind is not ReportKind.ARRIVED]
    if outcomes:
        return PickupState(max(outcomes, key=lambda one: one[:2])[2].value)
    return PickupState.ARRIVED if steps else PickupState.PLANNED


ALPHABET = list(itertools.product(ReportKind, range(3)))


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_every_sequence_of_reports(length: int) -> None:
    """Each report may be of any kind, and have happened before, with or after any other."""
    for steps in itertools.product(ALPHABET, repeat=length):
        await follow(steps)


@pytest.mark.parametrize("length", [4, 5])
async def test_every_longer_sequence_in_the_order_of_events_or_against_it(length: int) -> None:
    for kinds in itertools.product(ReportKind, repeat=length):
        await follow([(kind, minute) for minute, kind in enumerate(kinds)])
        await follow([(kind, length - minute) for minute, kind in enumerate(kinds)])


async def follow(steps: Sequence[ReportStep]) -> None:
    store = InMemoryTransaction()
    for number, step in enumerate(steps):
        await send(store, report(number, step))
        assert store.states()[0] is expected(list(enumerate(steps))[: number + 1])
    before, events = store.orders.order, len(store.events)
    await send(store, *(report(number, step) for number, step in enumerate(steps)))
    assert (store.orders.order, len(store.events)) == (before, events), "repeats change nothing"
    store.check_events()


@given(
    st.lists(st.tuples(st.sampled_from(ReportKind), st.integers(0, 9)), max_size=30),
    st.lists(st.integers(1, 5)),
    st.randoms(),
)
async def test_long_sequences_in_batches_with_repeats(steps: list[ReportStep], sizes: list[int], random: Any) -> None:
    store, place, chosen = InMemoryTransaction(), 0, iter(sizes)
    numbered = list(enumerate(steps))
    while place < len(steps):
        size = next(chosen, 1)
        batch = numbered[place : place + size]
        again = random.sample(numbered[: place + size], min(2, len(numbered[: place + size])))
        await send(store, *(report(number, step) for number, step in (*batch, *again)))
        place += size
        # A repeated report may be from this batch, too.
        assert store.states()[0] is expected(numbered[:place])
    store.check_events()


async def test_a_report_that_is_corrected_by_its_reporter_corrects_both() -> None:
    """The ERP reports a pickup again under its number: the new report replaces the old one."""
    store = InMemoryTransaction()
    await send(store, report(1, (ReportKind.EMPTIED, 5)))
    (kept,) = store.reports.saved.values()
    corrections = [(ReportKind.FAILED, "Portti kiinni"), (ReportKind.FAILED, "Tie poikki"), (ReportKind.EMPTIED, None)]
    for kind, failure in corrections:
        changed = msgspec.structs.replace(kept, kind=kind, reason=failure, digest=f"{failure}".encode())
        await record_pickups(
            cast(OrdersStore, cast(Any, store)),
            [AcceptedReport(changed, store.pickups.pickup, store.agreements.agreement)],
            {ORDER: store.orders.order},
        )
        assert store.states()[2] == failure
    store.check_events()
