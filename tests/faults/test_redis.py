"""Redis holds only what may be lost: with it stuck, and with it gone, everything goes on."""

import signal

import pytest

from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(300)


async def test_redis_is_gone(trial: Trial) -> None:
    async with trial.under_load("Redis stuck (SIGSTOP), then killed"):
        trial.stack.signal("valkey", signal.SIGSTOP)
        await trial.await_recovery()
        pid = trial.stack.pid("valkey")
        trial.stack.kill("valkey")

        async def back() -> bool:
            return trial.stack.replaced("valkey", pid)

        await until(back)
        await trial.await_recovery()
