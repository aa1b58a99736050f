"""Imports under way in a worker: a batch at a time, each by a build that knows it, and nothing left of what is done."""

import asyncio
from typing import Any

import pytest

from services.chassis import housekeeping, imports, metrics
from services.chassis.ids import new_uuid
from services.chassis.imports import Imports
from services.contracts.imports import ImportState
from services.contracts.sites import Sites
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.sites.test_import_sites import EKOKAARI, HEADER, Bench, known_customer
from tests.support.fixtures import MakeWorkbench
from tests.support.pieces import pieces_of
from tests.support.wait import until

CONTAINERS = b"container_number,site_number,fraction,litres,count\n"


@pytest.fixture
async def bench(workbench: MakeWorkbench[SitesTransaction, Sites]) -> Bench:
    made = await workbench(SITES)
    await known_customer(made)
    await made.import_file("sites", HEADER + EKOKAARI)
    return made


async def staged(bench: Bench, rows: int, site: int = 50) -> str:
    """A started import of containers."""
    file = CONTAINERS + b"".join(b"C%d,%d,RESIDUAL,660,1\n" % (number, site) for number in range(rows))
    found = await bench.imports.stage("containers", "containers.csv", pieces_of(file))
    await bench.imports.start(found.id)
    return found.id


async def state(bench: Bench, import_id: str) -> tuple[ImportState, int]:
    (found,) = await bench.imports.imports([import_id])
    assert found is not None
    return found.state, found.done


async def test_a_kind_of_a_newer_build_is_left_to_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    before = await staged(bench, 1)
    while await bench.imports._step():
        pass
    newer = new_uuid()
    await bench.pool.execute(
        "INSERT INTO chassis.imports (id, kind, file_name, state, started_at) VALUES ($1, 'elephants', 'e.csv',"
        " 'RUNNING', '-infinity')",
        newer,
    )
    behind, stop = await staged(bench, 2), asyncio.Event()
    running = asyncio.create_task(bench.imports.run(stop))
    await until(lambda: state(bench, behind), lambda found: found == (ImportState.DONE, 2))
    assert await bench.pool.fetchval("SELECT state FROM chassis.imports WHERE id = $1", newer) == "RUNNING"
    assert await state(bench, before) == (ImportState.DONE, 1), "it has nothing to do with it"
    for _ in range(3):
        await bench.imports._note_parked()
    assert metrics.IMPORTS_PARKED._value.get() == 1
    stop.set()
    await running
    assert capsys.readouterr().out.count("unknown kind") == 1


async def test_a_failure_is_that_of_the_import_under_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await staged(bench, 1)
    while await bench.imports._step():
        pass

    async def fails(*_: object) -> bool:
        raise ValueError("the program is wrong")

    monkeypatch.setattr(bench.imports, "_apply", fails)
    behind, stop = await staged(bench, 1), asyncio.Event()
    running = asyncio.create_task(bench.imports.run(stop))
    await until(lambda: state(bench, behind), lambda found: found[0] is ImportState.FAILED)
    monkeypatch.setattr(bench.imports, "_step", fails)
    await asyncio.sleep(0)
    stop.set()
    await running
    assert (await state(bench, before))[0] is ImportState.DONE


async def test_a_step_is_one_batch_also_of_rows_that_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    sizes: list[int] = []
    apply = Imports._apply

    async def counting(self: Imports[SitesTransaction], *given: Any) -> int:
        sizes.append(len(given[3]))
        return await apply(self, *given)

    monkeypatch.setattr(Imports, "_apply", counting)
    import_id = await staged(bench, 5, site=99)
    assert [await bench.imports._step() for _ in range(3)] == [True, True, False]
    assert sizes == [2, 2, 1], "and what waits is looked at again, from the first on"
    assert [await bench.imports._step() for _ in range(3)] == [True, True, False]
    await bench.pool.execute("UPDATE chassis.imports SET started_at = '-infinity'")
    while (await state(bench, import_id))[0] is ImportState.RUNNING:
        await bench.imports._step()
    assert await state(bench, import_id) == (ImportState.DONE, 5)


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7])
async def test_what_was_taken_in_is_forgotten_some_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(imports, "_FORGOTTEN_AT_ONCE", 3)
    monkeypatch.setattr(imports, "BATCH", 3)
    file = CONTAINERS + b"".join(b"C%d,%d,RESIDUAL,660,1\n" % (number, 50 + number % 2) for number in range(rows))
    done, bad = await bench.import_file("containers", file)
    assert (done.total, done.added, done.failed) == (rows, (rows + 1) // 2, rows // 2)
    assert len(bad) == rows // 2
    left = await bench.pool.fetch("SELECT state FROM chassis.import_rows WHERE import_id <> $1", new_uuid())
    assert [row["state"] for row in left] == ["BAD"] * (rows // 2)


async def test_old_imports_go_some_rows_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await staged(bench, 7)
    await bench.pool.execute("UPDATE chassis.imports SET staged_at = staged_at - interval '31 days' WHERE total = 7")
    monkeypatch.setattr(housekeeping, "_ROWS", 3)
    cascaded = """
        CREATE FUNCTION left_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF EXISTS (SELECT FROM chassis.import_rows WHERE import_id = OLD.id) THEN RAISE 'rows are left'; END IF;
            RETURN OLD;
        END $$;
        CREATE TRIGGER left_over BEFORE DELETE ON chassis.imports FOR EACH ROW EXECUTE FUNCTION left_over();
    """
    await bench.pool.execute(cascaded)
    stop = asyncio.Event()
    keeping = asyncio.create_task(housekeeping.keep_house(bench.pool, stop))
    await until(lambda: bench.pool.fetchval("SELECT count(*) FROM chassis.imports"), lambda count: count == 1)
    stop.set()
    await keeping
