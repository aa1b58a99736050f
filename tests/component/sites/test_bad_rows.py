"""Bad rows of imports: their reasons in the caller's language, and repeated rows."""

import csv
import io

import msgspec
import pytest

from services.chassis.ids import write_id
from services.chassis.imports import runner
from services.contracts.identity.people import Language
from services.contracts.permission import SubjectKind
from services.contracts.sites import Sites
from services.contracts.values import Page
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.sites.test_import_sites import EKOKAARI, HEADER, known_customer
from tests.support.chunks import iterate_chunks
from tests.support.fixtures import MakeHarness

CONTAINERS = "container_number,site_number,fraction,litres,count\n"
EXPECTED_TEXTS = {
    Language.FI: "77 ei ole täällä tunnettu.",
    Language.SV: "77 är inte känt här.",
    Language.NB: "77 er ikke kjent her.",
    Language.EN: "77 is not known here.",
}


async def test_reasons_are_in_the_callers_language(make_harness: MakeHarness[SitesTransaction, Sites]) -> None:
    harness = await make_harness(SITES)
    await harness.import_file("containers", CONTAINERS + "C1,77,GLASS,240,1\n")
    import_id = await harness.pool.fetchval("SELECT id FROM chassis.imports")
    staff = await harness.caller(kind=SubjectKind.STAFF)
    for language, reason in EXPECTED_TEXTS.items():
        api = harness.api(msgspec.structs.replace(staff, language=language))
        page = await api.bad_rows(write_id("import_sites", import_id), Page())
        assert [edge.node.reason for edge in page.edges] == [reason]


@pytest.mark.parametrize("language", Language)
async def test_the_file_of_bad_rows_is_in_the_language_of_the_start(
    make_harness: MakeHarness[SitesTransaction, Sites], language: Language
) -> None:
    harness = await make_harness(SITES)
    file = iterate_chunks(CONTAINERS.encode() + b"C1\n")
    uploaded = await harness.imports.upload("containers", "c.csv", file)
    assert uploaded.bad_rows_file is None
    staff = await harness.caller(kind=SubjectKind.STAFF)
    await harness.api(msgspec.structs.replace(staff, language=language)).start_import(uploaded.id)
    await harness.run_import(uploaded.id)
    (done,) = await harness.imports.queries.imports_by_id([uploaded.id])
    assert done is not None
    _, row = csv.reader(io.StringIO(await harness.read_file(done.bad_rows_file), newline=""))
    assert row[:3] == ["2", "", "WRONG_CELL_COUNT"]
    assert {"sv": "1 cell,", "en": "1 cell,", "nb": "1 celle,", "fi": "1 solu,"}[language.value] in row[3]


async def test_a_bad_row_of_an_earlier_build_keeps_its_sentence(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    _, (row,) = await harness.import_file("containers", CONTAINERS + "C1,77,GLASS,240,1\n")
    assert row.reason == EXPECTED_TEXTS[Language.EN]
    await harness.pool.execute("UPDATE chassis.import_rows SET reason = 'no site 77', params = '{}'")
    (import_id,) = [row["id"] for row in await harness.pool.fetch("SELECT id FROM chassis.imports")]
    page = await harness.imports.queries.bad_rows(write_id("import_sites", import_id), Page(), Language.FI)
    assert [edge.node.reason for edge in page.edges] == ["no site 77"]


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_the_first_of_repeated_rows_counts(
    make_harness: MakeHarness[SitesTransaction, Sites], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """The first row counts, also a bad one, for the intended one is unknown. Another file may repeat it."""
    monkeypatch.setattr(runner, "BATCH_ROWS", batch)
    harness = await make_harness(SITES)
    await known_customer(harness)
    await harness.import_file("sites", HEADER + EKOKAARI)
    rows = ["C1,50,GLASS,240,1", "C2,50,GLASS,none,1", "C1,50,PAPER,240,1", "C2,50,GLASS,1,1", " C1 ,50,METAL,240,1"]
    file = CONTAINERS + "".join(f"{row}\n" for row in rows)
    done, bad = await harness.import_file("containers", file)
    assert (done.added, done.failed) == (1, 4)
    assert [(row.line, row.field, row.code, row.reason) for row in bad[1:]] == [
        (
            line,
            "container_number",
            "REPEATED",
            f"The file says this of the same thing in line {first} already. That line counts.",
        )
        for line, first in ((4, 2), (5, 3), (6, 2))
    ]
    assert await harness.pool.fetchval("SELECT fraction FROM containers") == "GLASS"
    done, _ = await harness.import_file("containers", file)
    assert (done.unchanged, done.failed) == (1, 4)
