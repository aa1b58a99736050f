"""Tests of processes that are killed under load, while their logs show that they work."""

import asyncio
import time

import pytest

from deploy.local.secrets import SERVICES
from tests.faults.trial import Trial

pytestmark = pytest.mark.timeout(1200)

ROLES = ("api", "worker", "relay", "jobs")
ALL_PROCESSES = ("gateway", *(f"{service}-{role}" for service in SERVICES for role in ROLES))


async def test_each_kind_of_process_is_killed_at_work(trial: Trial) -> None:
    """Kill each three times, one after the other; in the short form once, those of one role together.

    Of the processes of jobs, only that of support has work under this load: each contact form has its receipt.
    """
    busy = [process for process in ALL_PROCESSES if process == "support-jobs" or not process.endswith("-jobs")]
    groups = [(process,) for process in busy] * 3 if trial.full else [
        ("gateway",), *(tuple(process for process in busy if process.endswith(f"-{role}")) for role in ROLES)
    ]  # fmt: skip
    async with trial.under_load("each kind of process killed at work" + (", 3 times" if trial.full else "")):
        for group in groups:
            trial.fault_stack.allowed_mail_repeats += "support-jobs" in group
            killed = await asyncio.gather(*(trial.kill_while_working(process) for process in group))
            await trial.await_recovery(max(killed))


async def test_all_processes_are_killed_at_once(trial: Trial) -> None:
    async with trial.under_load("all 21 processes killed at once"):
        for _ in range(3 if trial.full else 1):
            before = {process: trial.stack.pid(process) for process in ALL_PROCESSES}
            trial.fault_stack.allowed_mail_repeats += 1
            for process in ALL_PROCESSES:
                trial.stack.kill(process)
            killed = time.monotonic()
            for process, pid in before.items():
                await trial.await_restart(process, pid)
            await trial.await_recovery(killed)
