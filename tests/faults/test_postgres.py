"""PostgreSQL is restarted under load: told to stop, told to stop at once, and killed."""

import asyncio
import signal

import asyncpg
import pytest

from services.chassis.postgres import NO_ONES_FAULT
from tests.faults.trial import Trial
from tests.support.wait import until

pytestmark = pytest.mark.timeout(600)

WAYS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""Fast, immediate, and none that it hears of."""


async def test_postgres_is_restarted(trial: Trial) -> None:
    async with trial.under_load("PostgreSQL restarted (fast, immediate, SIGKILL)"):
        for way in WAYS:
            await restart(trial, way)
            await trial.recovered()


async def restart(trial: Trial, way: signal.Signals) -> None:
    """End the server, and wait until the one that takes its place answers."""
    pid = trial.stack.pid("postgres")
    trial.house.mail_repeats_allowed += 1
    trial.stack.signal("postgres", way)

    async def another_answers() -> bool:
        if not trial.stack.replaced("postgres", pid):
            return False
        try:
            await (await asyncpg.connect(trial.house.database_url("orders"), timeout=5)).close()
        except (*NO_ONES_FAULT, asyncpg.PostgresError):
            return False
        return True

    await until(another_answers, every=0.1)
    await asyncio.sleep(0)
