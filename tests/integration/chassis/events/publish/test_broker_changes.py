"""The relay with a broker that is emptied, replaced, killed or suspended."""

import asyncio
import os
import signal
import sys
import time

from tests.integration.chassis.events.publish.published_records import await_published, emit, records
from tests.support.alpha import Alpha, running
from tests.support.broker import ControlledBroker
from tests.support.polling import until
from tests.support.servers import ROOT


async def test_an_emptied_broker_and_a_replaced_one_are_republished_to(alpha: Alpha, broker: ControlledBroker) -> None:
    async with running(alpha.relay(kafka=broker.address)):
        await emit(alpha, range(30))
        await await_published(alpha, kafka=broker.address)
        initial = broker.cluster_id
        for cluster_id in (initial, ""):
            broker.kill()
            broker.empty()
            await emit(alpha, range(5))
            broker.start(cluster_id)
            await await_published(alpha, kafka=broker.address)
        assert broker.cluster_id != initial


async def test_events_are_published_soon_after_a_kill_of_the_broker(alpha: Alpha, broker: ControlledBroker) -> None:
    async with running(alpha.relay(kafka=broker.address)):
        await emit(alpha, range(30))
        await await_published(alpha, kafka=broker.address)
        for _ in range(2):
            broker.kill()
            await emit(alpha, range(5))
            broker.start()
            began = time.monotonic()
            await emit(alpha, range(5, 6))
            await await_published(alpha, kafka=broker.address)
            assert time.monotonic() - began < 30


async def test_the_lease_is_kept_while_the_broker_hangs(alpha: Alpha, broker: ControlledBroker) -> None:
    async with running(alpha.relay(kafka=broker.address)):
        await emit(alpha, range(30))
        await await_published(alpha, kafka=broker.address)
        broker.pause()
        await emit(alpha, range(5))
        renewed = "SELECT until FROM chassis.leader"
        first = await alpha.pool.fetchval(renewed)
        later = await until(lambda: alpha.pool.fetchval(renewed), lambda until: (until - first).total_seconds() > 8)
        assert await alpha.pool.fetchval("SELECT epoch FROM chassis.leader") == 1, later
        broker.resume()
        await await_published(alpha, kafka=broker.address)


async def test_a_leader_suspended_beyond_its_lease_corrupts_nothing(alpha: Alpha) -> None:
    relays = {
        holder: await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tests.support.alpha_relay"),
            *(alpha.name, alpha.url, alpha.servers.kafka, holder),
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        for holder in ("1", "2")
    }
    stop, number = asyncio.Event(), 0

    async def emit_events() -> None:
        nonlocal number
        while not stop.is_set():
            await alpha.emit([number])
            await alpha.emit([number], thing="thing_2")
            number += 1
            await asyncio.sleep(0.01)  # each poll of the test reads all events

    async def leader() -> str:
        row = await alpha.pool.fetchrow("SELECT holder FROM chassis.leader WHERE until > clock_timestamp()")
        return str(row["holder"]).rpartition(".")[2] if row else ""

    try:
        async with running(alpha.consumer()):
            emitting = asyncio.create_task(emit_events())
            for _ in range(3):
                count = await until(lambda: asyncio.sleep(0, number))
                await until(alpha.tally, lambda tally, count=count: len(tally) > count + 20)  # type: ignore[misc]
                leading = await until(leader)
                relays[leading].send_signal(signal.SIGSTOP)
                await until(leader, lambda now, before=leading: now not in ("", before))  # type: ignore[misc]
                count = number
                await until(alpha.tally, lambda tally, count=count: len(tally) > count + 20)  # type: ignore[misc]
                relays[leading].send_signal(signal.SIGCONT)
            stop.set()
            await emitting
            for thing in ("thing_1", "thing_2"):
                tally = await until(lambda thing=thing: alpha.tally(thing), lambda t: len(t) >= number)  # type: ignore[misc]
                assert tally == list(range(number))
        await await_published(alpha)
    finally:
        for relay in relays.values():
            relay.send_signal(signal.SIGCONT)
            relay.terminate()
            await relay.wait()
    rows = await alpha.pool.fetch("SELECT sequence FROM chassis.outbox ORDER BY sequence")
    assert [row["sequence"] for row in rows] == list(range(1, 2 * number + 1))
    assert {record.sequence for record in await records(alpha)} == set(range(1, 2 * number + 1))
