"""Orders' database is put back to an earlier state: a new generation of the log, and copies that follow the owner."""

import asyncio
import subprocess
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres_layout import wheel_programs
from tests.faults.load import OrderableDay
from tests.faults.stack_fixture import FaultStack
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(1200)

NAME = "kierto_orders"
PAGE = """
    query ($after: String) {
      events(after: $after, first: 1) {
        __typename ... on EventPage { cursor } ... on CursorExpired { code start }
      }
    }
"""
READ_EDGE = "SELECT last_sequence, generation FROM chassis.leader"


async def test_a_database_is_restored_to_minutes_ago(trial: Trial) -> None:
    house, dump = trial.fault_stack, trial.stack.home.root / "orders.dump"
    await trial.await_quiescence()
    await asyncio.to_thread(program, house, "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={NAME}")
    kept = set(house.record.orders)
    await load_to_be_lost(trial, seconds=300 if trial.full else 5)
    before = await read_edge(house)
    old_cursor = (await trial.people.staff.execute(PAGE, after=None))["cursor"]

    await restore_dump(house, dump)
    house.restored = True
    for order in house.record.forget_orders(kept):
        house.stock.append(OrderableDay(order.site_id, order.agreement_id, order.day))
    assert len(house.record.orders) == len(kept)
    after = await until(lambda: read_edge(house), lambda now: now["generation"] != before["generation"])
    assert after["last_sequence"] >= before["last_sequence"], "numbers go on above the highest that was given"

    async def expired() -> bool:
        answer = (await trial.people.staff.post(PAGE, after=old_cursor)).get("data") or {}
        return bool(answer) and answer["events"].get("code") == "CURSOR_EXPIRED"

    await until(expired)
    async with trial.under_load("orders' database put back to 5 minutes ago; announced, stats rebuilt" if trial.full
                                else "orders' database put back; announced, stats rebuilt"):  # fmt: skip
        await trial.await_recovery()
        await house.kierto("announce", "orders")
        await house.kierto("rebuild", "stats")
        await trial.await_recovery()


async def load_to_be_lost(trial: Trial, seconds: float) -> None:
    """What is acknowledged here goes down with the database."""
    async with trial.load().run():
        await asyncio.sleep(seconds)
    await trial.await_quiescence()


async def restore_dump(house: FaultStack, dump: Path) -> None:
    """Put the dump in the place of the database."""
    admin = await asyncpg.connect(f"{house.admin_url}/postgres")
    await admin.execute(f"CREATE DATABASE {NAME}_before OWNER {NAME}")
    await asyncio.to_thread(program, house, "pg_restore", f"--dbname={NAME}_before", str(dump))
    await admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    await admin.execute(f"ALTER DATABASE {NAME}_before RENAME TO {NAME}")
    await admin.close()


def program(house: FaultStack, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs."""
    server = ("-h", "127.0.0.1", "-p", str(house.stack.ports.of("postgres")), "-U", "kierto")
    done = subprocess.run(
        [wheel_programs() / name, *server, *arguments],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": house.environment.secrets.postgres_password},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def read_edge(house: FaultStack) -> asyncpg.Record:
    async with house.databases() as databases:
        row = await databases["orders"].fetchrow(READ_EDGE)
        assert row is not None
        return row
