"""Orders and pickups as messages to customers tell of them. Only services get them, at the moment of use."""

import datetime as dt

from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from services.contracts.values import Id, Value


class OrderSummary(Value, frozen=True, kw_only=True):
    """An order, without prices."""

    id: Id
    number: str
    state: OrderState
    fraction: Fraction | None
    """None if the order is about none, or about several."""
    date: dt.date | None
    """The day for which it was ordered; None if it has none, or none yet."""


class PickupSummary(Value, frozen=True, kw_only=True):
    """A pickup, planned or recorded."""

    id: Id
    state: PickupState
    fraction: Fraction | None
    """None if it is not known, or of several."""
    date: dt.date | None
    """The day on which the truck comes; None before a day is planned."""
    planned_on: dt.date | None
    """The day of the rhythm, from which a holiday may have moved it."""
    failure: str | None
    """The reason of FAILED; otherwise None."""
