"""I17, T7: staff import invoices from the ERP; stats announces the facts that registration needs."""

import datetime as dt

from services.contracts.identity.events import OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.stats import InvoiceStated, Stats
from services.stats.app import STATS
from services.stats.store.transaction import StatsTransaction
from tests.component.stats.recorded_pickups import an_id
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

HEADER = "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency\n"
INVOICE = "1962859,62-0000000-00,2022-11-29,2022-12-16,VUOSI 2022,42796,255,EUR\n"

Harness = ServiceHarness[StatsTransaction, Stats]
MakeStats = MakeHarness[StatsTransaction, Stats]


async def known_customer(harness: Harness, organisation_id: str | None = None, version: int = 1) -> str:
    organisation_id = organisation_id or an_id("org")
    await harness.receive(
        OrganisationStated(
            organisation_id=organisation_id,
            customer_number="62-0000000-00",
            kind=OrganisationKind.HOUSING_COMPANY,
            version=version,
        )
    )
    return organisation_id


async def test_an_invoice_is_stored_and_announced_without_its_amount(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    organisation_id = await known_customer(harness)
    done, bad = await harness.import_file("invoices", HEADER + INVOICE)
    assert (done.added, done.failed, bad) == (1, 0, [])

    (stated,) = await harness.emitted_events(InvoiceStated)
    assert stated == InvoiceStated(
        invoice_id=stated.invoice_id,
        organisation_id=organisation_id,
        customer_number="62-0000000-00",
        invoice_number="1962859",
        invoice_date=dt.date(2022, 11, 29),
        version=1,
    )
    row = await harness.pool.fetchrow("SELECT net_minor, vat_rate, currency, due_date, period FROM invoices")
    assert row is not None
    assert tuple(row) == (42_796, 255, "EUR", dt.date(2022, 12, 16), "VUOSI 2022")


async def test_the_same_file_again_changes_nothing(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    await known_customer(harness)
    await harness.import_file("invoices", HEADER + INVOICE)
    before = await harness.emitted_events()
    done, _ = await harness.import_file("invoices", HEADER + INVOICE)
    assert (done.added, done.changed, done.unchanged) == (0, 0, 1)
    assert await harness.emitted_events() == before


async def test_a_corrected_invoice_is_the_same_invoice_in_a_higher_version(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    await known_customer(harness)
    await harness.import_file("invoices", HEADER + INVOICE)
    done, _ = await harness.import_file("invoices", HEADER + INVOICE.replace("2022-11-29", "2022-11-30"))
    assert (done.added, done.changed) == (0, 1)
    first, second = await harness.emitted_events(InvoiceStated)
    assert (second.invoice_id, second.version) == (first.invoice_id, 2)
    assert second.invoice_date == dt.date(2022, 11, 30)


async def test_a_credit_note_is_an_invoice_of_a_negative_amount(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    await known_customer(harness)
    done, bad = await harness.import_file("invoices", HEADER + INVOICE.replace("42796", "-42796"))
    assert (done.added, bad) == (1, [])


async def test_bad_rows_are_named_and_good_ones_kept(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    await known_customer(harness)
    rows = [
        INVOICE,
        INVOICE.replace("1962859", "1").replace("62-0000000-00", "62-9999999-00"),
        INVOICE.replace("1962859", "2").replace("2022-12-16", "2022-11-28"),
        INVOICE.replace("1962859", "3").replace("EUR", "euro"),
        INVOICE.replace("1962859", "4").replace("42796", "427.96"),
        INVOICE.replace("1962859", "5").replace("2022-11-29", "29.11.2022"),
        INVOICE.replace("1962859", "6").replace("VUOSI 2022", ""),
    ]
    done, bad = await harness.import_file("invoices", HEADER + "".join(rows))
    assert (done.added, done.failed, done.done) == (1, 6, 7)
    assert [(row.line, row.field, row.code) for row in bad] == [
        (3, "customer_number", "UNKNOWN"),
        (4, "due_date", "BEFORE_START"),
        (5, "currency", "MALFORMED"),
        (6, "net_minor", "MALFORMED"),
        (7, "invoice_date", "MALFORMED"),
        (8, "period", "MISSING"),
    ]


async def test_a_customer_number_belongs_to_the_newest_organisation_that_had_it(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    old, new = await known_customer(harness), an_id("org")
    await known_customer(harness, new)
    await known_customer(harness, old, version=2)
    await harness.import_file("invoices", HEADER + INVOICE)
    (stated,) = await harness.emitted_events(InvoiceStated)
    assert stated.organisation_id == new
