"""Test of PostgreSQL that is restarted under load: by a fast and an immediate shutdown, and killed."""

import asyncio
import signal

import asyncpg
import pytest

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS
from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(600)

STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""Signals of a fast shutdown, an immediate one, and a kill."""


async def test_postgres_is_restarted(trial: Trial) -> None:
    async with trial.under_load("PostgreSQL restarted (fast, immediate, SIGKILL)"):
        for stop_signal in STOP_SIGNALS:
            await restart(trial, stop_signal)
            await trial.await_recovery()


async def restart(trial: Trial, stop_signal: signal.Signals) -> None:
    """Stop the server, and wait until its successor accepts connections."""
    pid = trial.stack.pid("postgres")
    trial.fault_stack.allowed_mail_repeats += 1
    trial.stack.signal("postgres", stop_signal)

    async def is_replaced() -> bool:
        if not trial.stack.replaced("postgres", pid):
            return False
        try:
            await (await asyncpg.connect(trial.fault_stack.database_url("orders"), timeout=5)).close()
        except (*TRANSIENT_DATABASE_ERRORS, asyncpg.PostgresError):
            return False
        return True

    await until(is_replaced, every=0.1)
    await asyncio.sleep(0)
