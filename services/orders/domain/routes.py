"""Routes: which weekdays and weeks a truck serves an area for a fraction."""

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
    """A route as the ERP states it; a row of ``routes.csv``.

    ``weekdays`` are such as "MO TH"; the truck drives in every ``week_interval``-th ISO week, counted from the one
    that ``first_week`` lies in, on days between ``valid_from`` and ``valid_until``, both inclusive.
    """

    route_number: Number
    area: Text
    fraction: Fraction
    weekdays: Weekdays
    week_interval: Annotated[int, Meta(ge=1, le=52)]
    first_week: dt.date
    valid_from: dt.date
    valid_until: dt.date | None = None


def runs_on(route: Route, day: dt.date) -> bool:
    """Whether the route passes on ``day``, holidays aside."""
    return (
        WEEKDAYS[day.weekday()] in route.weekdays.split()
        and is_valid_on(route.valid_from, route.valid_until, day)
        and ((_monday_of(day) - _monday_of(route.first_week)).days // 7) % route.week_interval == 0
    )


def _monday_of(day: dt.date) -> dt.date:
    """The first day of the ISO 8601 week that ``day`` lies in."""
    return day - dt.timedelta(days=day.weekday())
