"""Jobs of imports: batch by batch, each by a build that knows its kind, deleted some time after their end."""

import asyncio
from typing import Any

import msgspec
import pytest

from services.chassis.db import retention
from services.chassis.ids import new_uuid, read_id, write_id
from services.chassis.imports import runner
from services.chassis.imports.runner import ImportRunner, RunImport
from services.chassis.imports.stager import StageImport
from services.chassis.jobs.job import RunAgain, name_of
from services.chassis.telemetry import metrics
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.imports import BulkOperationCancelled
from services.contracts.sites import Sites
from services.contracts.values import Refusal
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.component.sites.test_import_sites import EKOKAARI, HEADER, Harness, known_customer
from tests.support.chunks import iterate_chunks
from tests.support.fixtures import MakeHarness
from tests.support.owner import execute_as_owner

CONTAINERS = b"container_number,site_number,fraction,litres,count\n"


@pytest.fixture
async def harness(make_harness: MakeHarness[SitesTransaction, Sites]) -> Harness:
    made = await make_harness(SITES)
    await known_customer(made)
    await made.import_file("sites", HEADER + EKOKAARI)
    return made


async def staged(harness: Harness, rows: int, site: int = 50) -> str:
    """Start an import of containers and return its id."""
    file = CONTAINERS + b"".join(b"C%d,%d,RESIDUAL,660,1\n" % (number, site) for number in range(rows))
    found = await harness.imports.upload("containers", "containers.csv", iterate_chunks(file))
    await harness.imports.start(found.id, Language.EN)
    return found.id


async def state(harness: Harness, import_id: str) -> tuple[BulkOperationState, int]:
    (found,) = await harness.imports.queries.imports_by_id([import_id])
    assert found is not None
    return found.state, found.done


async def test_a_kind_of_a_newer_build_is_left_to_it(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    newer = new_uuid()
    await harness.pool.execute(
        "INSERT INTO chassis.imports (id, kind, file_name, state, started_at) VALUES ($1, 'elephants', 'e.csv',"
        " 'RUNNING', '-infinity')",
        newer,
    )
    for _ in range(3):
        with pytest.raises(RunAgain) as again:
            await harness.run_import(write_id("import_sites", newer))
        assert again.value.delay_s == 30
    assert await harness.pool.fetchval("SELECT state FROM chassis.imports WHERE id = $1", newer) == "RUNNING"
    assert metrics.IMPORTS_PARKED._value.get() == 1
    behind = await staged(harness, 2)
    await harness.run_import(behind)
    assert await state(harness, behind) == (BulkOperationState.DONE, 2)
    assert capsys.readouterr().out.count("unknown kind") == 1


async def test_a_start_enqueues_one_job(harness: Harness) -> None:
    import_id = await staged(harness, 1)
    await harness.imports.start(import_id, Language.EN)
    queued = "SELECT payload FROM chassis.pgqueuer WHERE entrypoint = $1"
    for kind in (StageImport, RunImport):
        payloads = [row["payload"] for row in await harness.pool.fetch(queued, name_of(kind))]
        jobs: list[Any] = [msgspec.json.decode(one, type=kind) for one in payloads]
        assert [write_id("import_sites", job.import_id) for job in jobs].count(import_id) == 1
        await harness.run_import(import_id)


async def test_a_failing_import_does_not_fail_its_job(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await staged(harness, 1)
    await harness.run_import(before)

    async def fails(*_: object) -> int:
        raise ValueError("the program is wrong")

    behind = await staged(harness, 1)
    monkeypatch.setattr(harness.imports.runner, "_apply", fails)
    await harness.run_import(behind)
    assert (await state(harness, behind))[0] is BulkOperationState.FAILED
    assert (await state(harness, before))[0] is BulkOperationState.DONE


async def test_a_stopping_process_leaves_the_import_between_two_batches(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BATCH_ROWS", 2)
    import_id, stop = await staged(harness, 5), asyncio.Event()
    apply = ImportRunner._apply

    async def stopping(self: ImportRunner[SitesTransaction], *given: Any) -> int:
        stop.set()
        return await apply(self, *given)

    monkeypatch.setattr(ImportRunner, "_apply", stopping)
    with pytest.raises(RunAgain):
        await harness.run_import(import_id, stop)
    assert await state(harness, import_id) == (BulkOperationState.RUNNING, 2)
    await harness.run_import(import_id)
    assert await state(harness, import_id) == (BulkOperationState.DONE, 5)


async def test_a_run_passes_once_through_rows_that_wait(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BATCH_ROWS", 2)
    sizes: list[int] = []
    apply = ImportRunner._apply

    async def counting(self: ImportRunner[SitesTransaction], *given: Any) -> int:
        sizes.append(len(given[3]))
        return await apply(self, *given)

    monkeypatch.setattr(ImportRunner, "_apply", counting)
    import_id = await staged(harness, 5, site=99)
    for runs in (1, 2):
        with pytest.raises(RunAgain):
            await harness.run_import(import_id)
        assert sizes == [2, 2, 1] * runs
    await harness.pool.execute("UPDATE chassis.imports SET rows_wait_since = '-infinity'")
    await harness.run_import(import_id)
    assert await state(harness, import_id) == (BulkOperationState.DONE, 5)


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7])
async def test_applied_rows_are_deleted_in_batches(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(runner, "_DELETED_AT_ONCE", 3)
    monkeypatch.setattr(runner, "BATCH_ROWS", 3)
    file = CONTAINERS + b"".join(b"C%d,%d,RESIDUAL,660,1\n" % (number, 50 + number % 2) for number in range(rows))
    done, bad = await harness.import_file("containers", file)
    assert (done.total, done.added, done.failed) == (rows, (rows + 1) // 2, rows // 2)
    assert len(bad) == rows // 2
    left = await harness.pool.fetch("SELECT state FROM chassis.import_rows WHERE import_id <> $1", new_uuid())
    assert [row["state"] for row in left] == ["BAD"] * (rows // 2)


async def test_old_imports_go_some_rows_at_a_time(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    await staged(harness, 7)
    await harness.pool.execute("UPDATE chassis.imports SET staged_at = staged_at - interval '31 days' WHERE total = 7")
    monkeypatch.setattr(retention, "_BATCH_ROWS", 3)
    cascaded = """
        CREATE FUNCTION left_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF EXISTS (SELECT FROM chassis.import_rows WHERE import_id = OLD.id) THEN RAISE 'rows are left'; END IF;
            RETURN OLD;
        END $$;
        CREATE TRIGGER left_over BEFORE DELETE ON chassis.imports FOR EACH ROW EXECUTE FUNCTION left_over();
    """
    await execute_as_owner(harness.pool, cascaded)
    await retention.delete_expired(harness.pool, asyncio.Event())
    assert await harness.pool.fetchval("SELECT count(*) FROM chassis.imports") == 1


async def test_a_cancelled_import_stops_between_two_batches_and_keeps_what_it_has_imported(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BATCH_ROWS", 2)
    import_id = await staged(harness, 5)
    apply = ImportRunner._apply

    async def cancelling(self: ImportRunner[SitesTransaction], *given: Any) -> int:
        # While a batch is applied its import is locked: the cancellation does not wait for that.
        async with asyncio.timeout(60):
            cancelled = await harness.imports.cancel(import_id)
        assert isinstance(cancelled, BulkOperationCancelled)
        assert cancelled.imported.state is BulkOperationState.RUNNING
        return await apply(self, *given)

    monkeypatch.setattr(ImportRunner, "_apply", cancelling)
    await harness.run_import(import_id)
    assert await state(harness, import_id) == (BulkOperationState.CANCELLED, 2)
    await harness.run_import(import_id)
    assert await state(harness, import_id) == (BulkOperationState.CANCELLED, 2)
    assert await harness.pool.fetchval("SELECT count(*) FROM containers") == 2
    (progress,) = await harness.imports.queries.progress([import_id])
    assert progress is not None
    assert progress.finished_at is not None
    again = await harness.imports.cancel(import_id)
    assert isinstance(again, BulkOperationCancelled)


async def test_an_import_that_is_cancelled_before_its_rows_are_staged_stages_none(harness: Harness) -> None:
    import_id = await staged(harness, 3)
    await harness.imports.cancel(import_id)
    await harness.run_import(import_id)
    assert await state(harness, import_id) == (BulkOperationState.CANCELLED, 0)
    found = read_id("import_sites", import_id)
    assert await harness.pool.fetchval("SELECT count(*) FROM chassis.import_rows WHERE import_id = $1", found) == 0


async def test_an_import_that_was_not_started_is_cancelled_at_once(harness: Harness) -> None:
    uploaded = await harness.imports.upload("containers", "c.csv", iterate_chunks(CONTAINERS + b"C1,50,GLASS,240,1\n"))
    cancelled = await harness.imports.cancel(uploaded.id)
    assert isinstance(cancelled, BulkOperationCancelled)
    assert cancelled.imported.state is BulkOperationState.CANCELLED
    await harness.imports.start(uploaded.id, Language.EN)
    assert await state(harness, uploaded.id) == (BulkOperationState.CANCELLED, 0)


async def test_an_import_that_has_ended_is_not_cancelled(harness: Harness) -> None:
    import_id = await staged(harness, 1)
    await harness.run_import(import_id)
    for unknown, code in ((import_id, "ALREADY_ENDED"), (write_id("import_sites", new_uuid()), "NOT_FOUND")):
        refused = await harness.imports.cancel(unknown)
        assert isinstance(refused, Refusal)
        assert refused.problems[0].code == code
    assert await state(harness, import_id) == (BulkOperationState.DONE, 1)


async def test_an_import_of_an_unknown_kind_can_be_cancelled(harness: Harness) -> None:
    newer = new_uuid()
    await harness.pool.execute(
        "INSERT INTO chassis.imports (id, kind, file_name, state, started_at) VALUES ($1, 'elephants', 'e.csv',"
        " 'RUNNING', now())",
        newer,
    )
    text = write_id("import_sites", newer)
    await harness.imports.cancel(text)
    await harness.run_import(text)
    assert await state(harness, text) == (BulkOperationState.CANCELLED, 0)


async def test_an_import_names_who_started_it_and_when(harness: Harness) -> None:
    file = CONTAINERS + b"C1,50,GLASS,240,1\n"
    uploaded = await harness.imports.upload("containers", "containers.csv", iterate_chunks(file))
    assert (uploaded.starter_id, uploaded.started_at, uploaded.finished_at) == (None, None, None)
    starter = write_id("user", new_uuid())
    for by in (starter, write_id("user", new_uuid())):
        await harness.imports.start(uploaded.id, Language.EN, started_by=by)
    await harness.run_import(uploaded.id)
    (done,) = await harness.imports.queries.imports_by_id([uploaded.id])
    assert done is not None
    assert done.starter_id == starter
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.started_at < done.finished_at
