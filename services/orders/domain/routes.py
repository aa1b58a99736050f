"""Routes: the weekdays and weeks in which a truck collects a fraction in an area."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from services.contracts.sites import Fraction
from services.orders.domain.validity import Number, Text, is_valid_on

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_WEEKDAY = f"({'|'.join(WEEKDAYS)})"
Weekdays = Annotated[str, Meta(pattern=f"^{_WEEKDAY}( {_WEEKDAY})*$", examples=["MO TH"])]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route of the ERP; a row of ``routes.csv``."""

    route_number: Number
    area: Text
    fraction: Fraction
    weekdays: Weekdays
    """Such as "MO TH"."""
    week_interval: Annotated[int, Meta(ge=1, le=52)]
    """The route runs in every ``week_interval``-th ISO week, from that of ``first_week``."""
    first_week: dt.date
    valid_from: dt.date
    valid_until: dt.date | None = None


def runs_on(route: Route, day: dt.date) -> bool:
    """Return whether the route runs on ``day``, before holidays move it."""
    return (
        WEEKDAYS[day.weekday()] in route.weekdays.split()
        and is_valid_on(route.valid_from, route.valid_until, day)
        and ((_monday_of(day) - _monday_of(route.first_week)).days // 7) % route.week_interval == 0
    )


def _monday_of(day: dt.date) -> dt.date:
    """Return the first day of the ISO 8601 week of ``day``."""
    return day - dt.timedelta(days=day.weekday())
