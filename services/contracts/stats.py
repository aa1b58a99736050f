"""Stats: what was collected, what it cost, and the invoices (T1 to T11)."""

import datetime as dt
import enum
from typing import Protocol

from services.contracts.declare import Event, declare_event, read
from services.contracts.imports import Importing
from services.contracts.sites import Fraction
from services.contracts.values import Id, Outcome, Refusal, Value


class Period(enum.Enum):
    """The length of one step of a series. Weeks are ISO 8601 weeks."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


class Volume(Value, frozen=True, kw_only=True):
    """What was collected in one step: of one fraction and article, over the chosen sites, from the day ``start`` on."""

    start: dt.date
    fraction: Fraction
    article_id: Id
    grams: int
    pickups: int


class Volumes(Outcome, frozen=True, kw_only=True):
    """Volumes by step (T1), by start, fraction and article; ``previous_grams`` is the same number of days before."""

    rows: list[Volume]
    grams: int
    pickups: int
    previous_grams: int


@declare_event("stats.invoice.stated", subject="invoice_id")
class InvoiceStated(Event, frozen=True, kw_only=True):
    """An invoice exists. Identity keeps customer number, invoice number and date, for registration (I1)."""

    invoice_id: Id
    organisation_id: Id
    customer_number: str
    invoice_number: str
    invoice_date: dt.date
    version: int


class Stats(Importing, Protocol):
    """What stats offers."""

    @read
    async def volumes(
        self,
        since: dt.date,
        until: dt.date,
        period: Period = Period.MONTH,
        organisation_id: Id | None = None,
        site_ids: list[Id] | None = None,
        fractions: list[Fraction] | None = None,
    ) -> Volumes | Refusal:
        """What was collected between two days, both inclusive, on the sites the caller may see.

        Refused with MALFORMED (days in the wrong order) or TOO_LONG (more than ten years).
        """
        ...
