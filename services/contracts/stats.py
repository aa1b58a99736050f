"""Contract of stats: collected volumes, costs and invoices (T1 to T11)."""

import datetime as dt
import enum
from typing import Protocol

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read
from services.contracts.imports import ImportFinished, Importing
from services.contracts.permission import PEOPLE
from services.contracts.sites import Fraction
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn
from services.contracts.values import Filter, Id, OrganisationId, Outcome, Refusal, SiteId, Value


class Period(enum.Enum):
    """The length of a period in a series."""

    DAY = "DAY"
    """A day."""
    WEEK = "WEEK"
    """A week from Monday to Sunday (ISO 8601)."""
    MONTH = "MONTH"
    """A calendar month."""
    QUARTER = "QUARTER"
    """Three calendar months, from January, April, July or October on."""
    YEAR = "YEAR"
    """A calendar year."""


class VolumeFilter(Filter, frozen=True, kw_only=True):
    """The conditions of collected volumes."""

    organisation_ids: list[OrganisationId] | None = None
    """Volumes of one of these organisations; None: of all."""
    site_ids: list[SiteId] | None = None
    """Volumes collected on one of these sites; None: on all."""
    fractions: list[Fraction] | None = None
    """Volumes of one of these fractions; None: of all."""


class Volume(Value, frozen=True, kw_only=True):
    """The waste of one fraction and article that was collected in a step, summed over the selected sites."""

    fraction: Fraction | None
    """The fraction; None of pickups that have none."""
    article_id: Id | None
    """The id of the article; None of pickups that have none."""
    grams: int
    """The collected weight, in grams."""
    pickups: int
    """The number of pickups."""


class VolumeStep(Value, frozen=True, kw_only=True):
    """The volumes of one day, week, month, quarter or year of a series."""

    start: dt.date
    """The first day of the whole period, also where it lies before the first day of the series."""
    end: dt.date
    """The last day of the whole period, also where it lies after the last day of the series."""
    partial: bool
    """Whether the volumes are those of a part of the period: the series begins or ends within it, or it is not over."""
    grams: int
    """The weight of all rows, in grams; 0 if nothing was collected."""
    pickups: int
    """The number of pickups of all rows."""
    rows: list[Volume]
    """The volumes by fraction and article, in this order; empty if nothing was collected."""


class Volumes(Outcome, frozen=True, kw_only=True):
    """A series of volumes and their totals."""

    steps: list[VolumeStep]
    """Every step of the series in order of time, also those in which nothing was collected (T1)."""
    grams: int
    """The weight of all steps, in grams."""
    pickups: int
    """The number of pickups of all steps."""
    previous_grams: int
    """The weight collected in the same number of days before, in grams."""


@declare_event("stats.invoice.stated", subject="invoice_id")
class InvoiceStated(Event, frozen=True, kw_only=True):
    """The current state of an invoice. Identity keeps its numbers and date for registration (I1)."""

    invoice_id: Id
    organisation_id: Id
    customer_number: str
    invoice_number: str
    invoice_date: dt.date
    version: int


@declare_event("stats.import.finished", subject="import_id")
class StatsImportFinished(ImportFinished, frozen=True, kw_only=True):
    """An import of stats has reached its final state."""


@declare_event("stats.ticket.requested", subject="subject_id", site="site_id")
class StatsTicketRequested(TicketRequested, frozen=True, kw_only=True):
    """Stats asks for a ticket."""


@declare_event("stats.ticket.withdrawn", subject="subject_id")
class StatsTicketRequestWithdrawn(TicketRequestWithdrawn, frozen=True, kw_only=True):
    """Stats does not need a ticket any more."""


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
        filter: VolumeFilter | None = None,
    ) -> Volumes | Refusal:
        """Return the volumes collected between two days, both inclusive, on the sites that the caller may see.

        They come in steps of ``period``, of which none is left out.

        Refused with TOO_LONG (more than ten years). Days in the wrong order are malformed.
        """
        ...
