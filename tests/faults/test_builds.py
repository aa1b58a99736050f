"""A worker is rolled back to a build that does not know a type: its events are parked, and wait for the newer one."""

import pytest

from tests.faults.trial import Trial
from tests.support.kierto_of_two_builds import FILE
from tests.support.wait import until

pytestmark = pytest.mark.timeout(600)


async def test_a_consumer_is_rolled_back_and_forward_again(trial: Trial) -> None:
    older = trial.stack.home.root / FILE
    async with trial.under_load("stats' worker rolled back to a build without pickup.recorded, and forward"):
        for _ in range(3 if trial.full else 1):
            older.write_text("stats-worker orders.pickup.recorded\n", encoding="utf-8")
            await started_anew(trial)
            await until(lambda: parked(trial), lambda letters: letters > 10, every=0.1)
            older.unlink()
            await started_anew(trial)
            await until(lambda: parked(trial), lambda letters: letters == 0, every=0.1)
            await trial.recovered()


async def started_anew(trial: Trial) -> None:
    pid = trial.stack.pid("stats-worker")
    trial.stack.kill("stats-worker")
    await trial.back("stats-worker", pid)


async def parked(trial: Trial) -> int:
    async with trial.house.databases() as databases:
        count = "SELECT count(*) FROM chassis.dead_letters WHERE state = 'PARKED'"
        found: int = await databases["stats"].fetchval(count)
        return found
