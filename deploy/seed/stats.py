"""Stats' rows: pickups as facts, the volumes that they come to, invoices."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from deploy.seed.history import HISTORY_LENGTH, SiteHistory
from deploy.seed.ids import seeded_id
from deploy.seed.orders import recorded
from deploy.seed.tables import Cells, TableRows
from services.contracts.orders.pickups import PickupState
from services.identity.domain.organisation import OrganisationRecord
from services.orders.domain.pickup import RecordedPickup
from services.stats.domain.invoice import InvoiceFacts, InvoiceRecord
from services.stats.domain.pickup import PickupFact, counting_day

INVOICES_EACH = 8
"""Of an organisation: one a quarter."""
_TO_PAY_IN = dt.timedelta(days=17)


def invoices(organisations: Sequence[OrganisationRecord], first: int, today: dt.date) -> Iterator[InvoiceRecord]:
    """Return the invoices of organisations, of whom the first has this number."""
    for number, organisation in enumerate(organisations, first):
        for quarter in range(INVOICES_EACH):
            day = today - HISTORY_LENGTH + (HISTORY_LENGTH / INVOICES_EACH) * quarter + dt.timedelta(days=number % 90)
            serial = number * INVOICES_EACH + quarter
            facts = InvoiceFacts(
                invoice_number=f"71{serial:08}",
                organisation_id=organisation.id,
                customer_number=organisation.facts.customer_number,
                invoice_date=day,
                due_date=day + _TO_PAY_IN,
                period="EDELLINEN NELJÄNNES",
                net_minor=10_000 + serial % 50_000,
                vat_rate=255,
                currency="EUR",
            )
            moment = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
            yield InvoiceRecord(id=seeded_id("invoice", serial, moment), version=1, facts=facts)


def rows_of_invoices(records: Sequence[InvoiceRecord]) -> list[TableRows]:
    """Return the rows of invoices."""
    columns = " ".join(field.name for field in msgspec.structs.fields(InvoiceFacts))
    rows = [(one.id, one.version, *msgspec.structs.astuple(one.facts)) for one in records]
    return [TableRows("invoices", f"id version {columns}", rows)]


def rows_of_pickups(histories: Sequence[SiteHistory], zone: dt.tzinfo) -> list[TableRows]:
    """Return the rows of pickups, and of the volumes of their sites."""
    facts = [_fact(one) for one in recorded(histories)]
    counted = [(fact, counting_day(fact, zone)) for fact in facts]
    return [
        TableRows(
            "pickups",
            "id organisation_id site_id agreement_id order_id article_id fraction date state done_at grams version"
            " counted_on",
            [
                (
                    fact.id,
                    fact.organisation_id,
                    fact.site_id,
                    fact.agreement_id,
                    fact.order_id,
                    fact.article_id,
                    fact.fraction.value if fact.fraction else None,
                    fact.date,
                    fact.state.value,
                    fact.done_at,
                    fact.grams,
                    fact.version,
                    day,
                )
                for fact, day in counted
            ],
        ),
        TableRows("volumes", "organisation_id day site_id article_id fraction grams pickups", list(_volumes(counted))),
    ]


def _fact(recorded_pickup: RecordedPickup) -> PickupFact:
    return PickupFact(
        id=recorded_pickup.pickup.id,
        organisation_id=recorded_pickup.organisation_id,
        site_id=recorded_pickup.site_id,
        agreement_id=recorded_pickup.pickup.agreement_id,
        order_id=recorded_pickup.pickup.order_id,
        article_id=recorded_pickup.article_id,
        fraction=recorded_pickup.fraction,
        date=recorded_pickup.pickup.date,
        state=PickupState(recorded_pickup.pickup.outcome.state),
        done_at=recorded_pickup.pickup.outcome.done_at,
        grams=recorded_pickup.pickup.outcome.grams,
        version=recorded_pickup.pickup.version,
    )


def _volumes(counted: Sequence[tuple[PickupFact, dt.date | None]]) -> Iterator[Cells]:
    """Yield the volumes of whole sites, so that each key has one row."""
    sums = defaultdict[tuple[object, ...], list[int]](lambda: [0, 0])
    for fact, day in counted:
        if day is not None:
            fraction = fact.fraction.value if fact.fraction else None
            of_place = sums[fact.organisation_id, day, fact.site_id, fact.article_id, fraction]
            of_place[0] += fact.grams or 0
            of_place[1] += 1
    for place, (grams, pickups) in sums.items():
        yield *place, grams, pickups
