"""Pickups and calendars."""

import datetime as dt
import enum

from services.contracts.orders.articles import Article
from services.contracts.sites import Fraction
from services.contracts.values import (
    Id,
    Outcome,
    Value,
)


class PickupState(enum.Enum):
    """The state of a pickup. New states may come: a client shows an unknown one as PLANNED."""

    PLANNED = "PLANNED"
    """The truck has not arrived yet."""
    UNREPORTED = "UNREPORTED"
    """The day is over, and nobody reported the pickup: the state from the next working day on, until a report comes."""
    ARRIVED = "ARRIVED"
    """The truck has arrived."""
    EMPTIED = "EMPTIED"
    """The bins were emptied: an outcome."""
    FAILED = "FAILED"
    """The bins could not be emptied: an outcome."""


class Holiday(Value, frozen=True, kw_only=True):
    """A day without pickups."""

    date: dt.date
    """The day."""
    name: str
    """The name, in the caller's language."""


class Pickup(Value, frozen=True, kw_only=True):
    """A pickup, planned or done, under an agreement or of an order (O2, O12)."""

    id: Id
    """The global id. It stays the same from the plan to the outcome."""
    site_id: Id
    """The id of the site."""
    agreement_id: Id | None
    """The id of the agreement; None if the pickup is of an order alone."""
    order_id: Id | None
    """The id of the order; None for a regular pickup."""
    article: Article | None
    """The service; None if no article of the operator's says it."""
    fraction: Fraction | None
    """The fraction of the waste; None if it is not known, or of several."""
    date: dt.date | None
    """The day on which the truck comes; None before a day is planned. In a calendar every pickup has one."""
    tolerance_days: int
    """The days that the truck may come earlier or later than ``date``."""
    original_date: dt.date | None
    """The day of the rhythm; None unless a holiday moved the pickup."""
    moved_by: Holiday | None
    """The holiday that moved the pickup; None unless one did."""
    state: PickupState
    """The state."""
    done_at: dt.datetime | None
    """The time of the outcome; None before it."""
    grams: int | None
    """The weight of all bins, in grams; None if they were not weighed."""
    failure: str | None
    """The reason of FAILED; otherwise None."""


class Calendar(Outcome, frozen=True, kw_only=True):
    """The pickups of a site between two days, both inclusive."""

    site_id: Id
    """The id of the site."""
    pickups: list[Pickup]
    """The pickups, in order of date."""
