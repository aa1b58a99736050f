"""The calendar: regular pickups, moved by holidays, with ordered and recorded ones, in one list (O2)."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

import msgspec

from services.contracts.orders.pickups import PickupState
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.holidays import Holidays
from services.orders.domain.pickup import PickupRecord, regular_pickup
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rules

DONE_STATES = frozenset({PickupState.EMPTIED, PickupState.FAILED})


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The records that decide about the pickups of an agreement within a range of days."""

    agreement: AgreementRecord
    route: Route
    holidays: Holidays
    rules: Rules
    ordered: Sequence[PickupRecord] = ()
    """Extra pickups whose order was not withdrawn."""
    recorded: Sequence[PickupRecord] = ()
    """Pickups with a report."""

    @property
    def article_ids(self) -> set[uuid.UUID]:
        """The articles of the pickups: the agreement's present one, and those of recorded pickups."""
        recorded = {pickup.article_id for pickup in self.recorded if pickup.article_id}
        return {self.agreement.facts.article_id, *recorded}

    def tolerance(self, day: dt.date) -> int:
        """Return the number of days before or after ``day`` on which the truck may come."""
        return self.rules.tolerance(self.agreement.municipality, self.agreement.facts.fraction, day)


def planned_pickups(
    agreement: AgreementRecord, holidays: Holidays, since: dt.date, until: dt.date
) -> list[PickupRecord]:
    """Return the regular pickups between two days, both inclusive, by cadence and holidays."""
    cadence = agreement.facts.cadence
    days = {*cadence.days(since, until), *filter(cadence.has, holidays.days_moved_into(since, until))}
    pickups = [regular_pickup(agreement.id, day, holidays.pickup_day(day)) for day in sorted(days)]
    return [pickup for pickup in pickups if since <= pickup.date <= until]


def pickups_between(schedule: Schedule, since: dt.date, until: dt.date) -> list[PickupRecord]:
    """Return all pickups between two days, both inclusive, by date. A recorded pickup keeps its recorded date."""
    regular = planned_pickups(schedule.agreement, schedule.holidays, since, until)
    by_id = {pickup.id: pickup for pickup in (*regular, *schedule.ordered, *schedule.recorded)}
    return sorted((pickup for pickup in by_id.values() if since <= pickup.date <= until), key=date_key)


def next_pickup(schedule: Schedule, today: dt.date) -> PickupRecord | None:
    """Return the first pickup from ``today`` on that is not done yet; None if there is none."""
    agreement, holidays = schedule.agreement, schedule.holidays
    cadence = agreement.facts.cadence
    recorded = {pickup.id: pickup for pickup in schedule.recorded}

    def is_ahead(pickup: PickupRecord) -> bool:
        return pickup.date >= today and pickup.outcome.state not in DONE_STATES

    ahead = [*filter(is_ahead, (recorded.get(pickup.id, pickup) for pickup in schedule.ordered))]

    def regular_or_recorded(day: dt.date) -> PickupRecord:
        regular = regular_pickup(agreement.id, day, holidays.pickup_day(day))
        return recorded.get(regular.id, regular)

    until = dt.date.max
    for day in cadence.after(today):
        pickup = regular_or_recorded(day)
        if is_ahead(pickup):
            ahead.append(pickup)
            if pickup.date == day:
                until = day
                break
    # A pickup planned later, or before today, may still be the first if a holiday moved it.
    moved = filter(cadence.has, holidays.days_moved_into(today, until))
    ahead += filter(is_ahead, map(regular_or_recorded, moved))
    return min(ahead, key=date_key, default=None)


def state_on(pickup: PickupRecord, holidays: Holidays, today: dt.date) -> PickupState:
    """Return the state of a pickup on ``today``.

    One that nobody reported is PLANNED until its day is over, and UNREPORTED from the next working day on. The state is
    not stored: a report that comes later changes the pickup as it would have before.
    """
    state = pickup.outcome.state
    if state is not PickupState.PLANNED or pickup.date >= today:
        return state
    a_day_later = pickup.date + dt.timedelta(days=1)
    return PickupState.UNREPORTED if holidays.have_working_day(a_day_later, today) else state


def date_key(pickup: PickupRecord) -> tuple[dt.date, uuid.UUID]:
    """Return the sort key of a pickup: its date, then its id."""
    return pickup.date, pickup.id


def find_regular_pickup(agreement: AgreementRecord, holidays: Holidays, planned_on: dt.date) -> PickupRecord | None:
    """Return the regular pickup of a day of the rhythm; None if it has no such day."""
    if not agreement.facts.cadence.has(planned_on):
        return None
    return regular_pickup(agreement.id, planned_on, holidays.pickup_day(planned_on))


def reported_pickups(
    agreement: AgreementRecord, holidays: Holidays, ordered: Iterable[PickupRecord], day: dt.date
) -> list[PickupRecord]:
    """Return the pickups that a report for ``day`` may mean: that of the rhythm's day, else those that come on it."""
    if regular := find_regular_pickup(agreement, holidays, day):
        return [regular]
    extra = [pickup for pickup in ordered if pickup.agreement_id == agreement.id and pickup.date == day]
    return [*planned_pickups(agreement, holidays, day, day), *extra]
