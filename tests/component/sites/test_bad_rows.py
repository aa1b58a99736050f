"""Bad rows of imports: their reasons in the caller's language, and repeated rows."""

import csv
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from services.chassis.db.postgres import Pool
from services.chassis.ids import write_id
from services.chassis.imports import importer
from services.contracts.identity import Language
from services.contracts.permission import SubjectKind
from services.contracts.sites import Sites
from services.contracts.values import Page
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.permission.callers import CallerCase, serve_service
from tests.component.sites.test_import_sites import EKOKAARI, HEADER, known_customer
from tests.support.chunks import iterate_chunks
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase, MakeHarness

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


async def test_the_file_of_bad_rows_is_in_the_callers_language(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    async with serve_service(SITES, url, pool, clock, tmp_path) as endpoint:
        staged = await endpoint.runtime.imports.stage(
            "containers", "c.csv", iterate_chunks(CONTAINERS.encode() + b"C1\n")
        )
        for language, word in (("sv", "1 cell,"), ("en-GB", "1 cell,"), ("nb", "1 celle,"), ("fi", "1 solu,")):
            headers = {**endpoint.headers(CallerCase.STAFF), "Accept-Language": language}
            address = f"{endpoint.url}/imports/{staged.id}/bad-rows"
            async with endpoint._session.get(address, headers=headers) as response:
                assert response.headers["Content-Language"] == language[:2]
                _, row = csv.reader(io.StringIO(await response.text(), newline=""))
            assert row[:3] == ["2", "", "WRONG_CELL_COUNT"]
            assert word in row[3]


async def test_a_bad_row_of_an_earlier_build_keeps_its_sentence(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    _, (row,) = await harness.import_file("containers", CONTAINERS + "C1,77,GLASS,240,1\n")
    assert row.reason == EXPECTED_TEXTS[Language.EN]
    await harness.pool.execute("UPDATE chassis.import_rows SET reason = 'no site 77', params = '{}'")
    (import_id,) = [row["id"] for row in await harness.pool.fetch("SELECT id FROM chassis.imports")]
    page = await harness.imports.bad_rows(write_id("import_sites", import_id), Page(), Language.FI)
    assert [edge.node.reason for edge in page.edges] == ["no site 77"]


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_the_first_of_repeated_rows_counts(
    make_harness: MakeHarness[SitesTransaction, Sites], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """The first row counts, also a bad one, for the intended one is unknown. Another file may repeat it."""
    monkeypatch.setattr(importer, "BATCH_ROWS", batch)
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
