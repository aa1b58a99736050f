"""Tests of a broker that is killed, replaced and truncated under load; the outboxes restore its records."""

import asyncio

import pytest

from tests.faults.trial import Trial

pytestmark = pytest.mark.timeout(900)


async def test_the_broker_is_killed(trial: Trial) -> None:
    async with trial.under_load("broker killed (SIGKILL)"):
        for _ in range(5 if trial.full else 1):
            trial.fault_stack.broker.kill()
            trial.fault_stack.broker.start()
            await trial.await_recovery()


async def test_the_broker_is_emptied_with_a_new_cluster_id(trial: Trial) -> None:
    await empty_broker(trial, "broker emptied, new cluster id", same=False)


async def test_the_broker_is_emptied_with_the_same_cluster_id(trial: Trial) -> None:
    await empty_broker(trial, "broker emptied, same cluster id", same=True)


async def test_the_topics_are_cut_to_half(trial: Trial) -> None:
    async with trial.under_load("every topic cut to half"):
        trial.fault_stack.broker.kill()
        assert trial.fault_stack.broker.truncate_to_half() > 10_000
        trial.fault_stack.broker.start()
        await trial.await_recovery()


async def test_orders_are_accepted_while_the_broker_is_stopped(trial: Trial) -> None:
    """The connections stay open, as with a machine that hangs; then it continues."""
    async with trial.under_load("broker stopped (SIGSTOP), commands taken meanwhile, continued"):
        trial.fault_stack.broker.pause()
        accepted = len(trial.fault_stack.record.orders)
        try:
            while len(trial.fault_stack.record.orders) < accepted + 20:
                await asyncio.sleep(0.05)
        finally:
            trial.fault_stack.broker.resume()
        await trial.await_recovery()


async def empty_broker(trial: Trial, fault: str, same: bool) -> None:
    broker = trial.fault_stack.broker
    async with trial.under_load(fault):
        cluster_id = broker.cluster_id
        broker.stop()
        broker.empty()
        broker.start(cluster_id if same else "")
        assert (broker.cluster_id == cluster_id) == same
        await trial.await_recovery()
