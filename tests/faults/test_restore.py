"""Test of a restore of orders' database: the log gets a new generation, and the copies follow the owner."""

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
LOG_END = "SELECT last_sequence, generation FROM chassis.leader"


async def test_a_database_is_restored_to_minutes_ago(trial: Trial) -> None:
    fault_stack, dump = trial.fault_stack, trial.stack.home.root / "orders.dump"
    await trial.await_quiescence()
    await asyncio.to_thread(
        run_program, fault_stack, "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={NAME}"
    )
    kept = set(fault_stack.record.orders)
    await load_to_be_lost(trial, seconds=300 if trial.full else 5)
    before = await read_log_end(fault_stack)
    old_cursor = (await trial.clients.staff.execute(PAGE, after=None))["cursor"]

    await restore_dump(fault_stack, dump)
    fault_stack.restored = True
    for order in fault_stack.record.forget_orders(kept):
        fault_stack.stock.append(OrderableDay(order.site_id, order.agreement_id, order.day))
    assert len(fault_stack.record.orders) == len(kept)
    after = await until(lambda: read_log_end(fault_stack), lambda end: end["generation"] != before["generation"])
    assert after["last_sequence"] >= before["last_sequence"], "numbers go on above the highest one"

    async def expired() -> bool:
        data = (await trial.clients.staff.post(PAGE, after=old_cursor)).get("data") or {}
        return bool(data) and data["events"].get("code") == "CURSOR_EXPIRED"

    await until(expired)
    async with trial.under_load("orders' database put back to 5 minutes ago; announced, stats rebuilt" if trial.full
                                else "orders' database put back; announced, stats rebuilt"):  # fmt: skip
        await trial.await_recovery()
        await fault_stack.kierto("announce", "orders")
        await fault_stack.kierto("rebuild", "stats")
        await trial.await_recovery()


async def load_to_be_lost(trial: Trial, seconds: float) -> None:
    """Run load whose effects the restore loses."""
    async with trial.load().run():
        await asyncio.sleep(seconds)
    await trial.await_quiescence()


async def restore_dump(fault_stack: FaultStack, dump: Path) -> None:
    """Replace the database by the dump."""
    admin = await asyncpg.connect(f"{fault_stack.admin_url}/postgres")
    await admin.execute(f"CREATE DATABASE {NAME}_before OWNER {NAME}")
    await asyncio.to_thread(run_program, fault_stack, "pg_restore", f"--dbname={NAME}_before", str(dump))
    await admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    await admin.execute(f"ALTER DATABASE {NAME}_before RENAME TO {NAME}")
    await admin.close()


def run_program(fault_stack: FaultStack, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs."""
    server = ("-h", "127.0.0.1", "-p", str(fault_stack.stack.ports.of("postgres")), "-U", "kierto")
    done = subprocess.run(
        [wheel_programs() / name, *server, *arguments],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": fault_stack.environment.secrets.postgres_password},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def read_log_end(fault_stack: FaultStack) -> asyncpg.Record:
    async with fault_stack.databases() as databases:
        row = await databases["orders"].fetchrow(LOG_END)
        assert row is not None
        return row
