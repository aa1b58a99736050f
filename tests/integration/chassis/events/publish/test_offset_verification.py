"""Republishing from the outbox after a broker has lost records, at any moment."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from services.chassis.events import kafka
from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS
from services.chassis.events.outbox import PARTITIONS
from services.chassis.events.publish.checkpoint import PublishProgress
from services.chassis.events.publish.producer import EventProducer
from tests.integration.chassis.events.publish.published_records import (
    administration,
    await_published,
    delete_topic,
    emit,
    records,
)
from tests.support.alpha import Alpha, running
from tests.support.polling import until

DamageTopic = Callable[[Alpha], Awaitable[None]]


async def recreate_topic(alpha: Alpha) -> None:
    await delete_topic(alpha)
    async with administration(alpha) as admin:
        await until(lambda: _create(admin, alpha))


async def delete_newest_half(alpha: Alpha) -> None:
    """Recreate the topic with the first half of each partition."""
    whole = await records(alpha)
    await recreate_topic(alpha)
    counts = Counter(record.partition for record in whole)
    await append_records(alpha, [record for record in whole if record.offset < counts[record.partition] // 2])


async def delete_oldest(alpha: Alpha) -> None:
    """Delete the first half of each partition's records, which retention would keep."""
    counts = Counter(record.partition for record in await records(alpha))
    await _delete_before(alpha, lambda partition: counts[partition] // 2)


async def truncate(alpha: Alpha) -> None:
    """Delete all records; the offsets go on."""
    await _delete_before(alpha, lambda partition: -1)


async def append_records(alpha: Alpha, copied: list[RawRecord]) -> None:
    """Append copies of records."""
    producer = AIOKafkaProducer(bootstrap_servers=alpha.servers.kafka)
    await producer.start()
    for record in copied:
        headers = [(name, text.encode()) for name, text in record.headers.items()]
        await producer.send_and_wait(alpha.topic, record.value, record.key, record.partition, headers=headers)
    await producer.stop()


async def _create(admin: AIOKafkaAdminClient, alpha: Alpha) -> bool:
    # A topic that was just deleted can't be recreated for a moment.
    with contextlib.suppress(*TRANSIENT_BROKER_ERRORS):
        await kafka.create_topics(admin, [alpha.topic])
        return alpha.topic in await admin.list_topics()
    return False


async def _delete_before(alpha: Alpha, offset: Callable[[int], int]) -> None:
    async with administration(alpha) as admin:
        for partition in range(PARTITIONS):
            records_to_delete = RecordsToDelete(before_offset=offset(partition))
            await admin.delete_records({TopicPartition(alpha.topic, partition): records_to_delete})


@pytest.mark.parametrize("damage", [delete_topic, recreate_topic, delete_newest_half, delete_oldest, truncate])
@pytest.mark.parametrize("detected", ["while the relay runs", "when it starts"])
async def test_lost_records_are_published_again(alpha: Alpha, damage: DamageTopic, detected: str) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(40))
        await await_published(alpha)
        if detected == "while the relay runs":
            await damage(alpha)
            await await_published(alpha)
            await emit(alpha, range(40, 60))
            await await_published(alpha)
            return
    await damage(alpha)
    async with running(alpha.relay()):
        await emit(alpha, range(40, 60))
        await await_published(alpha)


@pytest.mark.parametrize("killed", [False, True], ids=["", "and the leader is killed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "step", [(EventProducer, "send"), (PublishProgress, "acknowledge"), (PublishProgress, "save")], ids=lambda s: s[1]
)
async def test_a_topic_recreated_during_a_batch_lacks_nothing(
    alpha: Alpha, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], after: bool, killed: bool
) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(40))
        await await_published(alpha)
    injected = inject_fault(monkeypatch, step, lambda: recreate_topic(alpha), after=after, killed=killed)
    await emit(alpha, range(40, 60))
    first = asyncio.create_task(alpha.relay().run(stop := asyncio.Event()))
    await until(lambda: asyncio.sleep(0, injected.is_set()))
    if killed:
        with pytest.raises(RelayKilled):
            await first
        first = asyncio.create_task(alpha.relay().run(stop))
    await emit(alpha, range(60, 70))
    await await_published(alpha)
    stop.set()
    await first


class RelayKilled(Exception):
    """The end of a relay in the middle of a step."""


def inject_fault(
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[type, str],
    damage: Callable[[], Awaitable[None]],
    *,
    after: bool,
    killed: bool,
) -> asyncio.Event:
    """Do damage before or after the first run of a step of the relay."""
    done = asyncio.Event()
    original = getattr(*step)

    async def run_step(*arguments: Any) -> Any:
        if done.is_set():
            return await original(*arguments)
        result = await original(*arguments) if after else None
        await damage()
        done.set()
        if killed:
            raise RelayKilled
        return result if after else await original(*arguments)

    monkeypatch.setattr(*step, run_step)
    return done


async def test_records_of_other_writers_are_no_loss(alpha: Alpha, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(20))
        await await_published(alpha)
        # As a leader that was suspended and resumed would.
        await append_records(alpha, (await records(alpha))[:5])
        await emit(alpha, range(20, 40))
        await await_published(alpha)
        assert len(await records(alpha)) == 45
    logged = capsys.readouterr().out
    assert "published" in logged
    assert "cluster changed" not in logged
    assert "recreated" not in logged
