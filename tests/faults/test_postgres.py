"""PostgreSQL is restarted under load: told to stop, told to stop at once, and killed."""

import asyncio
import signal

import asyncpg
import pytest

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(600)

STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""Fast, immediate, and none that it hears of."""


async def test_postgres_is_restarted(trial: Trial) -> None:
    async with trial.under_load("PostgreSQL restarted (fast, immediate, SIGKILL)"):
        for way in STOP_SIGNALS:
            await restart(trial, way)
            await trial.await_recovery()


async def restart(trial: Trial, way: signal.Signals) -> None:
    """End the server, and wait until the one that takes its place answers."""
    pid = trial.stack.pid("postgres")
    trial.fault_stack.allowed_mail_repeats += 1
    trial.stack.signal("postgres", way)

    async def another_answers() -> bool:
        if not trial.stack.replaced("postgres", pid):
            return False
        try:
            await (await asyncpg.connect(trial.fault_stack.database_url("orders"), timeout=5)).close()
        except (*TRANSIENT_DATABASE_ERRORS, asyncpg.PostgresError):
            return False
        return True

    await until(another_answers, every=0.1)
    await asyncio.sleep(0)
