"""Tests of `kierto announce` and `kierto rebuild` on a whole stack, while it serves."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator

import pytest

from deploy.local.detached_service import blueprint_of
from tests.integration.copies.test_rebuild import DAMAGE
from tests.support.gateway_client import GatewayClient
from tests.support.polling import until
from tests.support.stack import RunningStack, database

SERVICES = ("identity", "sites", "orders", "stats", "support")

AGREEMENTS = """
    { sites(first: 50) { edges { node { agreements(first: 2) { edges { node { id nextPickup } } } } } } }
"""
REPORT = """
    mutation ($input: ReportPickupsInput!) {
      reportPickups(input: $input) { __typename ... on PickupsReported { outcomes { accepted } } }
    }
"""


@pytest.fixture
def stack(demonstration: RunningStack) -> RunningStack:
    """The demonstration, after all tests that do not change it."""
    return demonstration


async def test_every_service_is_rebuilt_while_drivers_report(stack: RunningStack) -> None:
    await await_equal_copies(stack)
    before = await copies(stack)
    assert len(before["stats", "pickups"]) > 8_000
    for service, statements in DAMAGE.items():
        async with database(stack, service) as connection:
            await connection.execute(statements)
    async with database(stack, "stats") as connection:
        await connection.execute("DELETE FROM pickups; DELETE FROM volumes")
    assert await copies(stack) != before

    # Identity first: without its copy of access the others refuse their callers.
    for service in SERVICES:
        done = await asyncio.to_thread(stack.kierto, "rebuild", service)
        assert done.returncode == 0, done.stderr
        assert f"{service}: " in done.stdout
    assert await copies(stack) == before

    async with report_pickups(stack) as reported:
        for service in ("stats", "orders", "support"):
            done = await asyncio.to_thread(stack.kierto, "rebuild", service)
            assert done.returncode == 0, done.stderr
    assert reported
    await await_equal_copies(stack)
    async with database(stack, "stats") as connection:
        assert await connection.fetchval(WRONG_VOLUMES) == 0


async def test_things_are_announced_by_name_or_all(stack: RunningStack) -> None:
    done = await asyncio.to_thread(stack.kierto, "announce", "sites", "site")
    assert (done.returncode, done.stdout) == (0, "site: 203 stated\n")
    assert done.stderr == "sites site: 0 of 203\nsites site: 203 of 203\n"
    done = await asyncio.to_thread(stack.kierto, "announce", "identity")
    assert done.returncode == 0
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["organisation", "user", "partner"]


async def test_ctrl_c_interrupts_a_rebuild_and_it_is_repeated(stack: RunningStack) -> None:
    await await_equal_copies(stack)
    before = await copies(stack)
    worker = stack.pid("stats-worker")
    # A background process of a shell ignores SIGINT, and its children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(worker, signal.SIGSTOP)  # else it might be done before the interrupt
    try:
        rebuilding = await asyncio.to_thread(_start_rebuild, stack, "rebuild", "stats")
        async with database(stack, "stats") as connection:
            await until(lambda: connection.fetchval("SELECT true FROM pickups WHERE doubted LIMIT 1"))
        rebuilding.send_signal(signal.SIGINT)
        _, errors = await asyncio.to_thread(rebuilding.communicate, timeout=60)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert rebuilding.returncode == 130, errors
    assert "run it again" in errors
    assert "Traceback" not in errors
    done = await asyncio.to_thread(stack.kierto, "rebuild", "stats")
    assert done.returncode == 0, done.stderr
    assert await copies(stack) == before
    assert stack.pid("stats-worker") == worker


WRONG_VOLUMES = """
    SELECT count(*) FROM volumes v FULL JOIN (
        SELECT organisation_id, counted_on AS day, site_id, article_id, fraction,
               sum(coalesce(grams, 0)) AS grams, count(*) AS pickups
        FROM pickups WHERE counted_on IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS f USING (organisation_id, day, site_id, article_id, fraction)
    WHERE (v.grams, v.pickups) IS DISTINCT FROM (f.grams, f.pickups) AND coalesce(v.pickups, 1) <> 0
"""


@contextlib.asynccontextmanager
async def report_pickups(stack: RunningStack) -> AsyncIterator[list[str]]:
    """Send reports of pickups for the length of the block, one after the other."""
    stop = asyncio.Event()
    reported: list[str] = []
    async with GatewayClient(stack.gateway) as manager, GatewayClient(stack.gateway) as driver:
        await manager.sign_in(*stack.sign_in_of("property manager"))
        await driver.sign_in_as_partner(*stack.sign_in_of("drivers"))
        page = await manager.execute(AGREEMENTS)
        agreements = [
            agreement["node"]
            for site in page["edges"]
            for agreement in site["node"]["agreements"]["edges"]
            if agreement["node"]["nextPickup"]
        ]

        async def report() -> None:
            while not stop.is_set():
                number = len(reported)
                agreement = agreements[number % len(agreements)]
                item = {
                    "reportId": f"rebuild {number}",
                    "kind": "EMPTIED",
                    "at": "2026-01-01T07:00:00Z",
                    "agreementId": agreement["id"],
                    "date": agreement["nextPickup"],
                    "grams": 1_000 + number,
                }
                result = await driver.execute(REPORT, input={"reports": [item]})
                assert result["outcomes"] == [{"accepted": True}], "drivers are served all the time"
                reported.append(item["reportId"])

        task = asyncio.create_task(report())
        try:
            yield reported
        finally:
            stop.set()
            await task


async def copies(stack: RunningStack) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    """Read all rows of all copies, and the volumes."""
    rows_by_table: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for service in SERVICES:
        tables = [copy.table for copy in blueprint_of(service).copies] + ["access.grants"]
        async with database(stack, service) as connection:
            for table in (*tables, *(["volumes"] if service == "stats" else [])):
                where = " WHERE pickups <> 0" if table == "volumes" else ""
                rows = await connection.fetch(f"SELECT * FROM {table}{where}")
                rows_by_table[service, table] = sorted((tuple(row) for row in rows), key=str)
    return rows_by_table


async def await_equal_copies(stack: RunningStack) -> None:
    """Wait until stats has the same pickups as orders, and every service the same access as identity."""
    pickups = "SELECT count(*), sum(version), sum(grams) FROM pickups"
    access = "SELECT count(*), sum(version) FROM access.subjects"

    async def are_equal() -> bool:
        figures = [await figures_of(service, access) for service in SERVICES]
        return figures == figures[:1] * len(SERVICES) and (
            await figures_of("orders", pickups) == await figures_of("stats", pickups)
        )

    async def figures_of(service: str, statement: str) -> tuple[object, ...]:
        async with database(stack, service) as connection:
            return tuple(await connection.fetch(statement))

    await until(are_equal, every=0.2)


def _start_rebuild(stack: RunningStack, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        stack._command(*arguments), env=stack._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
