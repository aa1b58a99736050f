"""Extra pickups: on which days one can be ordered now, and what stands in the way of a day (O3)."""

import datetime as dt
import zoneinfo

import msgspec

from services.orders.domain import calendar
from services.orders.domain.calendar import Schedule
from services.orders.domain.cut_off import cut_off_of
from services.orders.domain.routes import runs_on

OFFER_HORIZON = dt.timedelta(weeks=8)
"""How far ahead days are offered."""

IN_THE_PAST = "IN_THE_PAST"
PAST_CUT_OFF = "PAST_CUT_OFF"
NOT_ON_ROUTE = "NOT_ON_ROUTE"
ALREADY_PLANNED = "ALREADY_PLANNED"


class OfferedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day that can be ordered until ``cut_off`` (inclusive, in UTC); ``citation`` is of the rule that set it."""

    date: dt.date
    cut_off: dt.datetime
    tolerance_days: int
    citation: str


def route_days(schedule: Schedule, since: dt.date, until: dt.date) -> set[dt.date]:
    """The days between two, both inclusive, on which the agreement's truck passes, holidays moved."""
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    passing = {
        schedule.holidays.pickup_day(day)
        for day in (*days, *schedule.holidays.days_moved_into(since, until))
        if runs_on(schedule.route, day) and schedule.agreement.facts.runs_on(day)
    }
    return passing.intersection(days)


def offered_days(schedule: Schedule, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> list[OfferedDay]:
    """The days that can be ordered now, soonest first."""
    today = now.astimezone(zone).date()
    until = today + OFFER_HORIZON
    taken = {one.date for one in calendar.pickups_between(schedule, today, until)}
    days = [_offered_day(schedule, day, zone) for day in sorted(route_days(schedule, today, until) - taken)]
    return [day for day in days if now <= day.cut_off]


def refusal_code(schedule: Schedule, day: dt.date, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> str | None:
    """Why ``day`` can't be ordered now: the first reason that applies, or None.

    A day farther ahead than is offered is NOT_ON_ROUTE: no truck is sent that far yet.
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
