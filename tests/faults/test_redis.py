"""Test of Redis that is stopped and killed: it holds only data that may be lost, so everything goes on."""

import signal

import pytest

from tests.faults.trial import Trial
from tests.support.polling import until

pytestmark = pytest.mark.timeout(300)


async def test_redis_is_unavailable(trial: Trial) -> None:
    async with trial.under_load("Redis stuck (SIGSTOP), then killed"):
        trial.stack.signal("valkey", signal.SIGSTOP)
        await trial.await_recovery()
        pid = trial.stack.pid("valkey")
        trial.stack.kill("valkey")

        async def is_replaced() -> bool:
            return trial.stack.replaced("valkey", pid)

        await until(is_replaced)
        await trial.await_recovery()
