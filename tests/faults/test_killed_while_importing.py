"""Test of a process of jobs that is killed in the middle of an import: the import goes on, no row counts twice."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.export_upload import resolve_dates
from deploy.local.stack import environment_of_running
from tests.e2e.test_one_pickup import MONDAY, STAFF, load
from tests.support.polling import until
from tests.support.servers import ROOT
from tests.support.stack import RunningStack, new_stack, running_stack

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def stack() -> Iterator[RunningStack]:
    with running_stack(new_stack()) as running:
        yield running


async def test_an_import_goes_on_where_its_process_was_killed(stack: RunningStack, tmp_path: Path) -> None:
    stack.kierto("staff", "create", STAFF[0], "--email", STAFF[0], KIERTO_PASSWORD=STAFF[1])
    export = tmp_path / "export"
    resolve_dates(ROOT / "deploy" / "local" / "demo", export, MONDAY)
    loading = asyncio.create_task(asyncio.to_thread(load, stack, export))
    database = await asyncpg.connect(environment_of_running(stack.home).database_url("orders"))
    done = "SELECT added FROM chassis.imports WHERE kind = 'pickups'"
    seen = await until(lambda: database.fetchval(done), lambda added: (added or 0) > 500)
    before = stack.pid("orders-jobs")
    stack.kill("orders-jobs")
    assert seen < 8261, "it was killed in the middle"
    await until(lambda: asyncio.sleep(0, stack.restarted("orders-jobs", before)))
    finished = await loading
    assert finished.returncode == 0, finished.stderr
    assert "pickups: 8261 rows, 8261 added, 0 changed, 0 unchanged, 0 bad" in finished.stdout
    assert await database.fetchval("SELECT count(*) FROM pickups") == 8261
    announced = "SELECT count(*), count(DISTINCT subject) FROM chassis.outbox WHERE type = 'orders.pickup.recorded'"
    assert [tuple(row) for row in await database.fetch(announced)] == [(8261, 8261)]
    await database.close()
