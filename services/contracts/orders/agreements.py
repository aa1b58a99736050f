"""Agreements on regular pickups, and the extra pickups that can be ordered under them."""

import datetime as dt
import enum

from services.contracts.orders.articles import Article
from services.contracts.sites import Fraction
from services.contracts.values import Filter, Id, Money, Outcome, SortDirection, Sorting, Value


class Agreement(Value, frozen=True, kw_only=True):
    """An agreement on regular pickups at a container (O1)."""

    id: Id
    """The global id."""
    agreement_number: str
    """The number in the operator's ERP."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    container_id: Id
    """The id of the container."""
    container_number: str
    """The number of the container in the operator's ERP."""
    article: Article
    """The agreed service."""
    fraction: Fraction
    """The fraction that is collected."""
    litres: int
    """The volume of one bin, in litres."""
    count: int
    """The number of bins."""
    interval_weeks: int
    """The weeks from one regular pickup to the next."""
    ordered_on: dt.date
    """The day on which the agreement was made."""
    ended_on: dt.date | None
    """The day on which the agreement ended; None while it is in force."""
    next_pickup: dt.date | None
    """The next planned day from today on; None if none is planned."""
    version: int
    """The number of its current version; it rises with every change."""


class AgreementFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of agreements."""

    fractions: list[Fraction] | None = None
    """Agreements for one of these fractions; None: for any."""
    ended: bool | None = None
    """Whether an agreement's last day is over; None: either."""


class AgreementOrderField(enum.Enum):
    """The fields that agreements can be ordered by."""

    AGREEMENT_NUMBER = "AGREEMENT_NUMBER"
    """By agreement number."""


class AgreementOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of agreements."""

    field: AgreementOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class Offer(Value, frozen=True, kw_only=True):
    """A day for which an extra pickup can be ordered (O3)."""

    date: dt.date
    """The day on which the truck comes."""
    cut_off: dt.datetime
    """The last moment at which it can be ordered."""
    tolerance_days: int
    """The days that the truck may come earlier or later than ``date``."""
    price: Money | None
    """The price of the whole pickup; None without the billing permission, or if the article has no price that day."""


class Offers(Outcome, frozen=True, kw_only=True):
    """The days for which an extra pickup can be ordered now."""

    agreement_id: Id
    """The id of the agreement."""
    offers: list[Offer]
    """The days, soonest first."""
    citation: str
    """The rule of the cut-off, as the operator states it."""
