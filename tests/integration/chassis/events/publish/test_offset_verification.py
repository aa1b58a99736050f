"""A broker that lost something, at any moment, is filled again from the outbox."""

import asyncio
import contextlib
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

Harm = Callable[[Alpha], Awaitable[None]]


async def recreate_topic(alpha: Alpha) -> None:
    await delete_topic(alpha)
    async with administration(alpha) as admin:
        await until(lambda: _made(admin, alpha))


async def delete_newest_half(alpha: Alpha) -> None:
    """Leave the first half of each partition."""
    whole = await records(alpha)
    await recreate_topic(alpha)
    await append_duplicates(
        alpha, [one for one in whole if one.offset < sum(o.partition == one.partition for o in whole) // 2]
    )


async def delete_oldest(alpha: Alpha) -> None:
    """Delete the first half of each partition's records, which are not old."""
    found = await records(alpha)
    await _delete_before(alpha, lambda partition: sum(one.partition == partition for one in found) // 2)


async def truncate(alpha: Alpha) -> None:
    """Delete all records, with the offsets going on."""
    await _delete_before(alpha, lambda partition: -1)


async def append_duplicates(alpha: Alpha, found: list[RawRecord]) -> None:
    """Write records once more."""
    producer = AIOKafkaProducer(bootstrap_servers=alpha.servers.kafka)
    await producer.start()
    for one in found:
        headers = [(name, text.encode()) for name, text in one.headers.items()]
        await producer.send_and_wait(alpha.topic, one.value, one.key, one.partition, headers=headers)
    await producer.stop()


async def _made(admin: AIOKafkaAdminClient, alpha: Alpha) -> bool:
    with contextlib.suppress(
        *TRANSIENT_BROKER_ERRORS
    ):  # a topic that was just deleted can for a moment not be made again
        await kafka.create_topics(admin, [alpha.topic])
        return alpha.topic in await admin.list_topics()
    return False


async def _delete_before(alpha: Alpha, offset: Callable[[int], int]) -> None:
    async with administration(alpha) as admin:
        for partition in range(PARTITIONS):
            place = TopicPartition(alpha.topic, partition)
            await admin.delete_records({place: RecordsToDelete(before_offset=offset(partition))})


@pytest.mark.parametrize("harm", [delete_topic, recreate_topic, delete_newest_half, delete_oldest, truncate])
@pytest.mark.parametrize("noticed", ["while the relay runs", "when it starts"])
async def test_what_a_topic_has_lost_is_published_again(alpha: Alpha, harm: Harm, noticed: str) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(40))
        await await_published(alpha)
        if noticed == "while the relay runs":
            await harm(alpha)
            await await_published(alpha)
            await emit(alpha, range(40, 60))
            await await_published(alpha)
            return
    await harm(alpha)
    async with running(alpha.relay()):
        await emit(alpha, range(40, 60))
        await await_published(alpha)


@pytest.mark.parametrize("killed", [False, True], ids=["", "and the leader is killed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "step", [(EventProducer, "send"), (PublishProgress, "acknowledge"), (PublishProgress, "save")], ids=lambda s: s[1]
)
async def test_a_topic_made_anew_in_the_middle_of_a_wave_lacks_nothing(
    alpha: Alpha, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], after: bool, killed: bool
) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(40))
        await await_published(alpha)
    struck = inject_fault(monkeypatch, step, lambda: recreate_topic(alpha), after=after, killed=killed)
    await emit(alpha, range(40, 60))
    first = asyncio.create_task(alpha.relay().run(stop := asyncio.Event()))
    await until(lambda: asyncio.sleep(0, struck.is_set()))
    if killed:
        with pytest.raises(RelayKilled):
            await first
        first = asyncio.create_task(alpha.relay().run(stop))
    await emit(alpha, range(60, 70))
    await await_published(alpha)
    stop.set()
    await first


class RelayKilled(Exception):
    """The relay's end, in the middle of what it did."""


def inject_fault(
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[type, str],
    harm: Callable[[], Awaitable[None]],
    *,
    after: bool,
    killed: bool,
) -> asyncio.Event:
    """Do harm before or after a step of the relay's, when it comes to it for the first time."""
    done = asyncio.Event()
    original = getattr(*step)

    async def struck(*arguments: Any) -> Any:
        if done.is_set():
            return await original(*arguments)
        result = await original(*arguments) if after else None
        await harm()
        done.set()
        if killed:
            raise RelayKilled
        return result if after else await original(*arguments)

    monkeypatch.setattr(*step, struck)
    return done


async def test_what_others_write_is_not_taken_for_a_loss(alpha: Alpha, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(alpha.relay()):
        await emit(alpha, range(20))
        await await_published(alpha)
        # Others may write, too: a leader that was stopped repeats what it had.
        await append_duplicates(alpha, (await records(alpha))[:5])
        await emit(alpha, range(20, 40))
        await await_published(alpha)
        assert len(await records(alpha)) == 45
    assert "anew" not in capsys.readouterr().out
