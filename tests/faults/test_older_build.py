"""Test of a worker of a build that does not know an event type: the events are parked for the newer build."""

import pytest

from tests.faults.trial import Trial
from tests.support.mixed_builds import FILE
from tests.support.polling import until

pytestmark = pytest.mark.timeout(600)


async def test_a_consumer_is_rolled_back_and_forward_again(trial: Trial) -> None:
    older = trial.stack.home.root / FILE
    before = await parked_events(trial)  # another test leaves an event of a type that no build knows
    async with trial.under_load("stats' worker rolled back to a build without pickup.recorded, and forward"):
        for _ in range(3 if trial.full else 1):
            older.write_text("stats-worker orders.pickup.recorded\n", encoding="utf-8")
            await restart_worker(trial)
            await until(lambda: parked_events(trial), lambda letters: letters > before + 10, every=0.1)
            older.unlink()
            await restart_worker(trial)
            await until(lambda: parked_events(trial), lambda letters: letters == before, every=0.1)
            await trial.await_recovery()


async def restart_worker(trial: Trial) -> None:
    pid = trial.stack.pid("stats-worker")
    trial.stack.kill("stats-worker")
    await trial.await_restart("stats-worker", pid)


async def parked_events(trial: Trial) -> int:
    async with trial.fault_stack.databases() as databases:
        count = "SELECT count(*) FROM chassis.dead_letters WHERE state = 'PARKED'"
        parked: int = await databases["stats"].fetchval(count)
        return parked
