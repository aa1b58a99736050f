"""I17: a dry run reports what an import would do, and changes nothing."""

import pytest

from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.imports import ImportStarted
from services.contracts.permission import SubjectKind
from services.contracts.sites import Sites
from services.contracts.values import Refusal
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.sites.test_import_sites import AARNE, EKOKAARI, HEADER, Harness, known_customer
from tests.support.chunks import iterate_chunks
from tests.support.fixtures import MakeHarness

BAD = EKOKAARI.replace("50,62", "52,99").replace("EKOKAARI 50", "TIE 1")
FILE = HEADER + EKOKAARI.replace("AS OY MIRJA", "Toinen") + AARNE + BAD


@pytest.fixture
async def harness(make_harness: MakeHarness[SitesTransaction, Sites]) -> Harness:
    """Sites, with an imported site."""
    made = await make_harness(SITES)
    await known_customer(made)
    await made.import_file("sites", HEADER + EKOKAARI)
    return made


async def contents(harness: Harness) -> list[object]:
    """Return everything that an import may change."""
    tables = ("sites", "chassis.imported_values", "chassis.outbox", "chassis.mail")
    return [await harness.pool.fetch(f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables]


async def test_a_dry_run_counts_and_names_rows_as_the_import_does_and_changes_nothing(harness: Harness) -> None:
    before = await contents(harness)
    tried, bad = await harness.import_file("sites", FILE, dry_run=True)
    assert (tried.state, tried.dry_run) == (BulkOperationState.DONE, True)
    assert (tried.added, tried.changed, tried.unchanged, tried.failed) == (1, 1, 0, 1)
    assert [(row.line, row.field, row.code) for row in bad] == [(4, "customer_number", "UNKNOWN")]
    assert await contents(harness) == before

    done, really_bad = await harness.import_file("sites", FILE)
    assert (done.added, done.changed, done.unchanged, done.failed) == (1, 1, 0, 1)
    assert really_bad == bad
    assert await contents(harness) != before


async def test_staff_start_a_dry_run_by_the_operation(harness: Harness) -> None:
    api = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    uploaded = await harness.imports.upload("sites", "sites.csv", iterate_chunks(FILE.encode()))
    assert not uploaded.dry_run
    started = await api.start_import(uploaded.id, dry_run=True)
    assert isinstance(started, ImportStarted)
    assert started.imported.dry_run


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_file_that_was_run_dry_is_not_imported_nor_the_reverse(harness: Harness, dry_run: bool) -> None:
    uploaded = await harness.imports.upload("sites", "sites.csv", iterate_chunks(FILE.encode()))
    for _ in range(2):  # a repetition has no effect
        assert isinstance(await harness.imports.start(uploaded.id, Language.EN, dry_run=dry_run), ImportStarted)
    refused = await harness.imports.start(uploaded.id, Language.EN, dry_run=not dry_run)
    assert isinstance(refused, Refusal)
    assert [(problem.code, problem.path) for problem in refused.problems] == [("ALREADY_STARTED", ["dryRun"])]
