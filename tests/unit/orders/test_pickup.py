"""O17: reports have one outcome in any order, repeated or not."""

import datetime as dt
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.orders.reports import ReportKind
from services.orders.domain import pickup
from services.orders.domain.pickup import NO_OUTCOME, Report, apply_outcome, fold_reports, order_state
from tests.unit.orders.factories import NOBODY

BEGIN = dt.datetime(2026, 3, 5, 6, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 3, 5)


def report(kind: ReportKind, minute: int = 0, report_id: str = "1", grams: int | None = None) -> Report:
    return Report(
        reporter="partner_1",
        report_id=report_id,
        pickup_id=NOBODY,
        kind=kind,
        at=BEGIN + dt.timedelta(minutes=minute),
        grams=grams if kind is ReportKind.EMPTIED else None,
        reason="Portti kiinni" if kind is ReportKind.FAILED else None,
        digest=b"",
    )


REPORTS = st.builds(
    report,
    st.sampled_from(list(ReportKind)),
    st.integers(0, 3),
    st.text("abc", min_size=1, max_size=2),
    st.one_of(st.none(), st.integers(0, 9)),
)


def test_a_pickup_without_reports_has_no_outcome() -> None:
    assert fold_reports([]) == NO_OUTCOME
    assert order_state(NO_OUTCOME) is None


def test_an_outcome_wins_over_an_arrival_even_a_later_one() -> None:
    outcome = fold_reports([report(ReportKind.EMPTIED, 1, grams=500), report(ReportKind.ARRIVED, 2, "2")])
    assert (outcome.state, outcome.grams) == (PickupState.EMPTIED, 500)
    assert outcome.done_at == BEGIN + dt.timedelta(minutes=1)
    assert order_state(outcome) is OrderState.COMPLETED


def test_an_arrival_is_not_an_outcome() -> None:
    outcome = fold_reports([report(ReportKind.ARRIVED)])
    assert (outcome.state, outcome.done_at) == (PickupState.ARRIVED, None)
    assert order_state(outcome) is OrderState.IN_PROGRESS


def test_the_later_outcome_wins_and_at_one_time_the_higher_id() -> None:
    failed = fold_reports([report(ReportKind.FAILED, 5), report(ReportKind.EMPTIED, 4, "9")])
    assert (failed.state, failed.failure) == (PickupState.FAILED, "Portti kiinni")
    assert order_state(failed) is OrderState.FAILED
    assert (
        fold_reports([report(ReportKind.FAILED, 5, "b"), report(ReportKind.EMPTIED, 5, "a")]).state
        is PickupState.FAILED
    )
    assert (
        fold_reports([report(ReportKind.FAILED, 5, "a"), report(ReportKind.EMPTIED, 5, "b")]).state
        is PickupState.EMPTIED
    )


@given(st.lists(REPORTS, max_size=8, unique_by=lambda one: one.report_id), st.randoms())
def test_any_order_with_repeats_has_the_same_outcome(reports: list[Report], random: Random) -> None:
    again = reports + random.sample(reports, len(reports) // 2)
    random.shuffle(again)
    assert fold_reports(again) == fold_reports(reports)


def test_a_pickup_changes_its_version_with_its_outcome() -> None:
    planned = pickup.regular_pickup(NOBODY, DAY, DAY)
    assert planned.version == 0
    done = apply_outcome(planned, fold_reports([report(ReportKind.EMPTIED)]))
    assert done.version == 1
    assert apply_outcome(done, done.outcome) is done
    assert apply_outcome(done, NO_OUTCOME).version == 2
