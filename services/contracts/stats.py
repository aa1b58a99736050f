"""Contract of stats: collected volumes, costs and invoices (T1 to T11)."""

import datetime as dt
import enum
from typing import Protocol

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read
from services.contracts.imports import Importing
from services.contracts.permission import PEOPLE
from services.contracts.sites import Fraction
from services.contracts.values import Id, OrganisationId, Outcome, Refusal, SiteId, Value


class Period(enum.Enum):
    """The length of a period in a series. Weeks are those of ISO 8601."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


class Volume(Value, frozen=True, kw_only=True):
    """The waste of one fraction and article that was collected in a period, summed over the selected sites.
    ``start`` is the first day of the period, ``pickups`` the number of pickups.
    """

    start: dt.date
    fraction: Fraction
    article_id: Id
    grams: int
    pickups: int


class Volumes(Outcome, frozen=True, kw_only=True):
    """Volumes by period, fraction and article, in this order (T1), and their totals. ``previous_grams`` is the
    weight collected in the same number of days before.
    """

    rows: list[Volume]
    grams: int
    pickups: int
    previous_grams: int


@declare_event("stats.invoice.stated", subject="invoice_id")
class InvoiceStated(Event, frozen=True, kw_only=True):
    """The current state of an invoice. Identity keeps its numbers and date for registration (I1)."""

    invoice_id: Id
    organisation_id: Id
    customer_number: str
    invoice_number: str
    invoice_date: dt.date
    version: int


@declare_event("stats.audit.recorded", subject="subject_id")
class StatsAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to stats' audit log."""


class Stats(Importing, Protocol):
    """Operations of stats."""

    @read(PEOPLE)
    async def volumes(
        self,
        since: dt.date,
        until: dt.date,
        period: Period = Period.MONTH,
        organisation_id: OrganisationId | None = None,
        site_ids: list[SiteId] | None = None,
        fractions: list[Fraction] | None = None,
    ) -> Volumes | Refusal:
        """Return the volumes collected between two days, both inclusive, on the sites that the caller may see.

        Refused with MALFORMED (days in the wrong order) or TOO_LONG (more than ten years).
        """
        ...
