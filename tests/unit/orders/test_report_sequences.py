"""O17: whatever is reported of an ordered pickup, and in which order: the order and its pickup tell the same."""

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
from services.contracts.identity import SubjectKind
from services.contracts.orders import (
    OrderKind,
    OrderMoved,
    OrderState,
    PickupRecorded,
    PickupReport,
    PickupsReported,
    PickupState,
    ReportKind,
)
from services.contracts.sites import Fraction
from services.orders.domain import order, pickup
from services.orders.domain.holidays import Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.usecases.ports import OrdersStore
from services.orders.usecases.record_pickups import AcceptedReport as SaidOf
from services.orders.usecases.record_pickups import record_pickups
from services.orders.usecases.report_pickups import report_pickups
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
"""What a report says, and at which minute it happened."""


class InMemoryTransaction:
    """A transaction on one scheduled order in memory, with what reports need of the port."""

    def __init__(self) -> None:
        self.now = NOW
        self.events: list[object] = []
        self.agreement = agreement()
        made = order.place(
            ORDER,
            kind=OrderKind.EXTRA_PICKUP,
            organisation_id=NOBODY,
            site_id=NOBODY,
            agreement_id=self.agreement.id,
            article_id=NOBODY,
            fraction=Fraction.RESIDUAL,
            date=DAY,
            price=None,
            at=NOW,
            by="user_1",
        )
        for state in (OrderState.CONFIRMED, OrderState.SCHEDULED):
            made = order.transition(made, state, at=NOW, by=order.SYSTEM)
        self.order = made
        self.pickup = pickup.ordered_pickup(self.agreement.id, ORDER, DAY)
        self.reports: dict[str, Report] = {}

    def emit(self, event: object) -> None:
        self.events.append(event)

    async def acquire_lock(self, name: str) -> None:
        pass

    async def agreement_ids_of_orders(self, order_ids: Iterable[uuid.UUID]) -> object:
        return dict.fromkeys(order_ids, self.agreement.id)

    async def visible_agreements(self, *_: object) -> object:
        return {self.agreement.id: self.agreement}

    async def orders_of_agreements(self, *_: object) -> dict[uuid.UUID, OrderRecord]:
        return {ORDER: self.order}

    async def holidays(self) -> Holidays:
        return holidays()

    async def reports_by_id(self, _: str, report_ids: Iterable[str]) -> dict[str, Report]:
        return {one: self.reports[one] for one in report_ids if one in self.reports}

    async def reports_of_pickups(self, pickup_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Sequence[Report]]:
        return {pickup_id: list(self.reports.values()) for pickup_id in pickup_ids}

    async def pickups(self, _: object) -> dict[uuid.UUID, PickupRecord]:
        return {self.pickup.id: self.pickup}

    async def save_reports(self, reports: Sequence[Report]) -> None:
        self.reports |= {one.report_id: one for one in reports}

    async def save_pickups(self, pickups: Sequence[RecordedPickup]) -> None:
        for one in pickups:
            self.pickup = one.pickup

    async def save_orders(self, orders: Sequence[OrderRecord]) -> None:
        for one in orders:
            self.order = one

    def told(self) -> tuple[PickupState, OrderState, str | None]:
        """What pickup and order say, which is the same."""
        state, failure = self.pickup.outcome.state, self.pickup.outcome.failure
        assert self.order.state is EXPECTED_STATES[state]
        assert self.order.timeline[-1].reason == failure
        assert len(self.order.timeline) == self.order.version
        return state, self.order.state, failure

    def emitted_state(self) -> None:
        """Whoever hears of both keeps the same, too."""
        moved = [event for event in self.events if isinstance(event, OrderMoved)]
        recorded = [event for event in self.events if isinstance(event, PickupRecorded)]
        assert [event.version for event in recorded] == list(range(1, len(recorded) + 1))
        assert [event.version for event in moved] == list(range(4, len(moved) + 4))
        if recorded:
            assert moved[-1].state is EXPECTED_STATES[recorded[-1].state]


def report(number: int, said: ReportStep) -> PickupReport:
    kind, minute = said
    return PickupReport(
        report_id=f"r{number}",
        kind=kind,
        at=NOW - dt.timedelta(minutes=10 - minute),
        order_id=write_id("order", ORDER),
        reason=f"Portti {number}" if kind is ReportKind.FAILED else None,
    )


async def say(store: InMemoryTransaction, *reports: PickupReport) -> None:
    answer = await report_pickups(cast(OrdersStore, cast(Any, store)), PARTNER, reports)
    assert isinstance(answer, PickupsReported)
    assert all(one.accepted for one in answer.outcomes)


def expected(said: Sequence[tuple[int, ReportStep]]) -> PickupState:
    """The last outcome; of two at one time that of the higher id; without any, whether the truck arrived."""
    outcomes = [(minute, f"r{number}", kind) for number, (kind, minute) in said if kind is not ReportKind.ARRIVED]
    if outcomes:
        return PickupState(max(outcomes, key=lambda one: one[:2])[2].value)
    return PickupState.ARRIVED if said else PickupState.PLANNED


ALPHABET = list(itertools.product(ReportKind, range(3)))


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_every_sequence_of_reports(length: int) -> None:
    """Each report may be of any kind, and have happened before, with or after any other."""
    for said in itertools.product(ALPHABET, repeat=length):
        await follow(said)


@pytest.mark.parametrize("length", [4, 5])
async def test_every_longer_sequence_in_the_order_of_events_or_against_it(length: int) -> None:
    for kinds in itertools.product(ReportKind, repeat=length):
        await follow([(kind, minute) for minute, kind in enumerate(kinds)])
        await follow([(kind, length - minute) for minute, kind in enumerate(kinds)])


async def follow(said: Sequence[ReportStep]) -> None:
    store = InMemoryTransaction()
    for number, one in enumerate(said):
        await say(store, report(number, one))
        assert store.told()[0] is expected(list(enumerate(said))[: number + 1])
    before, events = store.order, len(store.events)
    await say(store, *(report(number, one) for number, one in enumerate(said)))
    assert (store.order, len(store.events)) == (before, events), "repeats change nothing"
    store.emitted_state()


@given(
    st.lists(st.tuples(st.sampled_from(ReportKind), st.integers(0, 9)), max_size=30),
    st.lists(st.integers(1, 5)),
    st.randoms(),
)
async def test_long_sequences_in_batches_with_repeats(said: list[ReportStep], sizes: list[int], random: Any) -> None:
    store, place, chosen = InMemoryTransaction(), 0, iter(sizes)
    numbered = list(enumerate(said))
    while place < len(said):
        size = next(chosen, 1)
        batch = numbered[place : place + size]
        again = random.sample(numbered[: place + size], min(2, len(numbered[: place + size])))
        await say(store, *(report(number, one) for number, one in (*batch, *again)))
        place += size
        # A repeat in this batch may have been said for the first time just before.
        assert store.told()[0] is expected(numbered[:place])
    store.emitted_state()


async def test_a_report_that_is_corrected_by_its_reporter_corrects_both() -> None:
    """The ERP states a pickup again under its number: the report is another one from then on."""
    store = InMemoryTransaction()
    await say(store, report(1, (ReportKind.EMPTIED, 5)))
    (kept,) = store.reports.values()
    corrections = [(ReportKind.FAILED, "Portti kiinni"), (ReportKind.FAILED, "Tie poikki"), (ReportKind.EMPTIED, None)]
    for kind, failure in corrections:
        changed = msgspec.structs.replace(kept, kind=kind, reason=failure, digest=f"{failure}".encode())
        await record_pickups(
            cast(OrdersStore, cast(Any, store)), [SaidOf(changed, store.pickup, store.agreement)], {ORDER: store.order}
        )
        assert store.told()[2] == failure
    store.emitted_state()
