"""The offers of extra pickups: the days that can be ordered, and the refusals of the others (O3)."""

import datetime as dt
import zoneinfo

import msgspec

from services.orders.domain import calendar
from services.orders.domain.calendar import Schedule
from services.orders.domain.cut_off import cut_off_of
from services.orders.domain.routes import runs_on

OFFER_HORIZON = dt.timedelta(weeks=8)
"""The days ahead that are offered."""

IN_THE_PAST = "IN_THE_PAST"
PAST_CUT_OFF = "PAST_CUT_OFF"
NOT_ON_ROUTE = "NOT_ON_ROUTE"
ALREADY_PLANNED = "ALREADY_PLANNED"


class OfferedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day that can be ordered until ``cut_off`` (inclusive, in UTC); ``citation`` is the cut-off rule's."""

    date: dt.date
    cut_off: dt.datetime
    tolerance_days: int
    citation: str


def route_days(schedule: Schedule, since: dt.date, until: dt.date) -> set[dt.date]:
    """Return the days between two, both inclusive, on which the route runs, as moved by holidays."""
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    run_days = {
        schedule.holidays.pickup_day(day)
        for day in (*days, *schedule.holidays.days_moved_into(since, until))
        if runs_on(schedule.route, day) and schedule.agreement.facts.runs_on(day)
    }
    return run_days.intersection(days)


def offered_days(schedule: Schedule, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> list[OfferedDay]:
    """Return the days that can be ordered now, soonest first."""
    today = now.astimezone(zone).date()
    until = today + OFFER_HORIZON
    planned = {pickup.date for pickup in calendar.pickups_between(schedule, today, until)}
    days = [_offered_day(schedule, day, zone) for day in sorted(route_days(schedule, today, until) - planned)]
    return [day for day in days if now <= day.cut_off]


def refusal_code(schedule: Schedule, day: dt.date, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> str | None:
    """Return the code of the first reason against ordering ``day`` now; None if it can be ordered.

    A day beyond ``OFFER_HORIZON`` is NOT_ON_ROUTE.
    """
    today = now.astimezone(zone).date()
    if day < today:
        return IN_THE_PAST
    if now > _offered_day(schedule, day, zone).cut_off:
        return PAST_CUT_OFF
    if day > today + OFFER_HORIZON or day not in route_days(schedule, day, day):
        return NOT_ON_ROUTE
    if calendar.pickups_between(schedule, day, day):
        return ALREADY_PLANNED
    return None


def _offered_day(schedule: Schedule, day: dt.date, zone: zoneinfo.ZoneInfo) -> OfferedDay:
    agreement = schedule.agreement
    rule, citation = schedule.rules.cut_off(agreement.municipality, agreement.facts.fraction, day)
    return OfferedDay(
        date=day,
        cut_off=cut_off_of(day, rule, schedule.holidays, zone),
        tolerance_days=schedule.tolerance(day),
        citation=citation,
    )
