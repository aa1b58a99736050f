"""The calendar: what is planned, moved by holidays, ordered and recorded, as one list (O2)."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

import msgspec

from services.contracts.orders import PickupState
from services.orders.domain import pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.holidays import Holidays
from services.orders.domain.pickup import PickupRecord
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rules

DONE_STATES = frozenset({PickupState.EMPTIED, PickupState.FAILED})


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides when the containers of one agreement are emptied.

    ``ordered`` are the extra pickups that are on their way or done, ``recorded`` those that something was reported of;
    both reach as far as the days that are asked for.
    """

    agreement: AgreementRecord
    route: Route
    holidays: Holidays
    rules: Rules
    ordered: Sequence[PickupRecord] = ()
    recorded: Sequence[PickupRecord] = ()

    def tolerance(self, day: dt.date) -> int:
        """How many days before or after ``day`` the truck may come."""
        return self.rules.tolerance(self.agreement.municipality, self.agreement.facts.fraction, day)


def planned_pickups(
    agreement: AgreementRecord, holidays: Holidays, since: dt.date, until: dt.date
) -> list[PickupRecord]:
    """The regular pickups on days between two, both inclusive, as the cadence and the holidays have them."""
    cadence = agreement.facts.cadence
    days = {*cadence.days(since, until), *filter(cadence.has, holidays.days_moved_into(since, until))}
    made = [pickup.regular_pickup(agreement.id, day, holidays.pickup_day(day)) for day in sorted(days)]
    return [one for one in made if since <= one.date <= until]


def pickups_between(schedule: Schedule, since: dt.date, until: dt.date) -> list[PickupRecord]:
    """Every pickup between two days, both inclusive, by date. What was recorded stands where it was recorded."""
    regular = planned_pickups(schedule.agreement, schedule.holidays, since, until)
    known = {one.id: one for one in (*regular, *schedule.ordered, *schedule.recorded)}
    return sorted((one for one in known.values() if since <= one.date <= until), key=date_key)


def next_pickup(schedule: Schedule, today: dt.date) -> PickupRecord | None:
    """The first pickup from ``today`` on that is not done yet; None if there will be none."""
    agreement, holidays = schedule.agreement, schedule.holidays
    cadence = agreement.facts.cadence
    recorded = {one.id: one for one in schedule.recorded}

    def is_coming(one: PickupRecord) -> bool:
        return one.date >= today and one.outcome.state not in DONE_STATES

    coming = [one for one in (recorded.get(one.id, one) for one in schedule.ordered) if is_coming(one)]

    def known(day: dt.date) -> PickupRecord:
        regular = pickup.regular_pickup(agreement.id, day, holidays.pickup_day(day))
        return recorded.get(regular.id, regular)

    until = dt.date.max
    for day in cadence.after(today):
        one = known(day)
        if is_coming(one):
            coming.append(one)
            if one.date == day:
                until = day
                break
    # None of the later ones is sooner but where a holiday moved it; so are those that one moved over today.
    moved = filter(cadence.has, holidays.days_moved_into(today, until))
    coming += filter(is_coming, map(known, moved))
    return min(coming, key=date_key, default=None)


def date_key(one: PickupRecord) -> tuple[dt.date, uuid.UUID]:
    """What pickups are sorted by: the day the truck comes, and on one day always in the same order."""
    return one.date, one.id


def find_reported_pickup(
    agreement: AgreementRecord, holidays: Holidays, ordered: Iterable[PickupRecord], day: dt.date
) -> PickupRecord | None:
    """The pickup that a report means with ``day``: the one that the truck comes for, else the one planned then."""
    extra = [one for one in ordered if one.agreement_id == agreement.id and one.date == day]
    if there := [*planned_pickups(agreement, holidays, day, day), *extra]:
        return there[0]
    if agreement.facts.cadence.has(day):
        return pickup.regular_pickup(agreement.id, day, holidays.pickup_day(day))
    return None
