"""Tests of several faults at once."""

import random
import signal

import pytest

from deploy.local.secrets import SERVICES
from tests.faults.test_postgres import restart
from tests.faults.trial import Trial

pytestmark = pytest.mark.timeout(1200)


async def test_faults_come_together(trial: Trial) -> None:
    """The broker is killed while its network is slow, processes are killed, and PostgreSQL is stopped."""
    async with trial.under_load("broker and PostgreSQL killed, network slow, processes killed, all together"):
        for _ in range(5 if trial.full else 1):
            trial.fault_stack.kafka_proxy.latency_s = 0.02
            trial.fault_stack.broker.kill()
            processes = [f"{service}-{role}" for service in SERVICES for role in ("api", "worker", "relay", "jobs")]
            before = {process: trial.stack.pid(process) for process in random.sample(processes, 5)}
            trial.fault_stack.allowed_mail_repeats += "support-jobs" in before
            for process in before:
                trial.stack.kill(process)
            await restart(trial, signal.SIGQUIT)
            trial.fault_stack.postgres_proxy.cut()
            trial.fault_stack.broker.start()
            trial.fault_stack.postgres_proxy.heal()
            trial.fault_stack.kafka_proxy.heal()
            for process, pid in before.items():
                await trial.await_restart(process, pid)
            await trial.await_recovery()
