"""Failed, waiting and parked events, and their replay."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from services.chassis.events.consume import dead_letters
from services.chassis.events.consume.dead_letters import DeadLetter
from services.chassis.events.consume.replay import StillUnknown
from services.contracts import declare
from tests.integration.chassis.events.consume.quarantine import counted, letters, replayed, states
from tests.integration.chassis.events.topic import SentRecord, TopicWriter
from tests.support.alpha import Alpha, ThingWeighed, running
from tests.support.polling import until


async def inbox(alpha: Alpha) -> set[str]:
    return {str(row["event_id"]) for row in await alpha.pool.fetch("SELECT event_id FROM chassis.inbox")}


def ids(records: Sequence[SentRecord]) -> set[str]:
    return {dict(record.headers)["ce_id"].decode() for record in records}


async def republish_and_consume(alpha: Alpha, topic: TopicWriter) -> None:
    """Republish the topic and consume it, twice."""
    for _ in range(2):
        await topic.republish()
        end = counted(1000 + len(topic.sent), "thing_end")
        await topic.send(end)
        async with running(alpha.consumer()):
            await until(lambda: alpha.tally("thing_end"), lambda tally, wanted=end.number: wanted in tally)  # type: ignore[misc]


async def replay_all(alpha: Alpha) -> int:
    handled = 0
    for letter in await letters(alpha):
        with contextlib.suppress(StillUnknown):
            handled += await replayed(alpha, letter)
    return handled


async def test_later_events_of_a_failed_ones_subject_wait_and_are_replayed_in_order(
    alpha: Alpha, topic: TopicWriter
) -> None:
    alpha.spoilt = {2}
    async with running(alpha.consumer()):
        await topic.send(counted(1), counted(2), counted(3), counted(10, "thing_2"), counted(4))
        await until(lambda: states(alpha), lambda found: found == ["FAILED", "WAITING", "WAITING"])
        await until(lambda: alpha.tally("thing_2"))
        assert await alpha.tally() == [1]
        (failed, waiting, _) = await letters(alpha)
        assert "can't be counted" in failed.reason
        with pytest.raises(ValueError, match="can't be counted"):
            await replayed(alpha, waiting)
        assert await states(alpha) == ["FAILED", "WAITING", "WAITING"]
        alpha.spoilt = {3}
        with pytest.raises(ValueError, match="can't be counted"):
            await replayed(alpha, failed)
        assert await states(alpha) == ["FAILED", "WAITING"], "the next failure blocks the rest"
        assert await alpha.tally() == [1, 2]
        alpha.spoilt = set()
        assert await replayed(alpha, failed) == 2
        await topic.send(counted(5))
        assert await until(alpha.tally, lambda tally: len(tally) >= 5) == [1, 2, 3, 4, 5]
    assert await inbox(alpha) == ids(topic.sent)


async def test_republished_events_and_dead_letters_take_effect_once(
    alpha: Alpha, topic: TopicWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha.spoilt = {2}
    monkeypatch.delitem(declare._by_name, "alpha.thing.weighed")
    await topic.send(counted(1), counted(2), counted(3), ThingWeighed(thing_id="thing_9", number=9))
    async with running(alpha.consumer()):
        await until(lambda: states(alpha), lambda found: sorted(found) == ["FAILED", "PARKED", "WAITING"])
    handled = ids(topic.sent[:1])
    assert await inbox(alpha) == handled, "a row for each event that took effect, and no other"

    before = await letters(alpha)
    await republish_and_consume(alpha, topic)
    assert await letters(alpha) == before
    assert await alpha.tally() == [1]

    alpha.spoilt = set()
    assert await replay_all(alpha) == 2
    assert await alpha.tally() == [1, 2, 3]
    await republish_and_consume(alpha, topic)
    assert await alpha.tally() == [1, 2, 3]
    assert await states(alpha) == ["PARKED"]

    monkeypatch.undo()
    async with running(alpha.consumer()):
        assert await until(lambda: alpha.tally("thing_9")) == [9]
        await until(lambda: states(alpha), lambda found: found == [])
    await republish_and_consume(alpha, topic)
    assert (await alpha.tally(), await alpha.tally("thing_9")) == ([1, 2, 3], [9])
    assert await inbox(alpha) == ids(topic.sent)


async def test_a_build_that_knows_parked_events_handles_them_in_order(
    alpha: Alpha, topic: TopicWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(declare._by_name, "alpha.thing.weighed")
    await topic.send(counted(0))
    await topic.send(*[ThingWeighed(thing_id=f"thing_{n % 3}", number=n) for n in range(250)])
    await topic.send(topic.record(counted(1), ce_type="alpha.thing.painted"))
    async with running(alpha.consumer()):
        await until(lambda: letters(alpha), lambda found: len(found) == 251)
    assert set(await states(alpha)) == {"PARKED"}
    monkeypatch.undo()
    await topic.send(ThingWeighed(thing_id="thing_0", number=250))
    async with running(alpha.consumer()):
        await until(lambda: states(alpha), lambda found: found == ["PARKED"])
        await until(lambda: alpha.tally("thing_0"), lambda tally: 250 in tally)
    assert await alpha.tally("thing_0") == [*range(0, 250, 3), 250]
    assert await alpha.tally("thing_2") == [*range(2, 250, 3)]


async def park_an_event(alpha: Alpha, topic: TopicWriter, monkeypatch: pytest.MonkeyPatch) -> DeadLetter:
    """Send an event to a build that does not know its type, and return it as that build has parked it."""
    monkeypatch.delitem(declare._by_name, "alpha.thing.weighed")
    await topic.send(ThingWeighed(thing_id="thing_1", number=1))
    async with running(alpha.consumer()):
        await until(lambda: states(alpha), lambda found: found == ["PARKED"])
    monkeypatch.undo()
    (parked,) = await letters(alpha)
    return parked


async def test_a_parked_event_that_another_build_has_handled_takes_effect_once(
    alpha: Alpha, topic: TopicWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    parked = await park_an_event(alpha, topic, monkeypatch)
    # As if a newer build consumed the republished log before a replay.
    await alpha.pool.execute("DELETE FROM chassis.dead_letters")
    await alpha.pool.execute("DELETE FROM chassis.positions")
    async with running(alpha.consumer()):
        await until(alpha.tally)
    async with alpha.work() as tx:
        await dead_letters.add(tx.connection, parked.record, "PARKED", "unknown type")
    async with running(alpha.consumer()):
        await until(lambda: states(alpha), lambda found: found == [])
    assert await alpha.tally() == [1]


async def test_an_event_that_is_parked_after_the_start_is_replayed_by_the_running_worker(
    alpha: Alpha, topic: TopicWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    parked = await park_an_event(alpha, topic, monkeypatch)
    await alpha.pool.execute("DELETE FROM chassis.dead_letters")
    async with running(alpha.consumer()):
        await topic.send(counted(0))
        await until(alpha.tally)
        # As a killed worker of an older build does whose commit was on its way.
        async with alpha.work() as tx:
            await dead_letters.add(tx.connection, parked.record, "PARKED", "unknown type")
        await until(lambda: states(alpha), lambda found: found == [])
    assert await alpha.tally("thing_1") == [0, 1]


async def test_a_parked_event_that_fails_later_blocks_only_its_subject(
    alpha: Alpha, topic: TopicWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(declare._by_name, "alpha.thing.weighed")
    await topic.send(ThingWeighed(thing_id="thing_1", number=7), ThingWeighed(thing_id="thing_2", number=8))
    async with running(alpha.consumer()):
        await until(lambda: states(alpha), lambda found: found == ["PARKED"] * 2)
    monkeypatch.undo()
    alpha.spoilt = {7}
    async with running(alpha.consumer()):
        assert await until(lambda: alpha.tally("thing_2")) == [8]
        await topic.send(counted(1), counted(2, "thing_2"))
        await until(lambda: states(alpha), lambda found: found == ["FAILED", "WAITING"])
        assert await until(lambda: alpha.tally("thing_2"), lambda tally: len(tally) == 2) == [8, 2]


async def test_a_replay_beside_a_running_worker_leaves_no_dead_letters(alpha: Alpha, topic: TopicWriter) -> None:
    alpha.spoilt = {0}
    async with running(alpha.consumer(retry_s=0.0)):
        await topic.send(counted(0))
        await until(lambda: states(alpha), lambda found: found == ["FAILED"])
        (failed,) = await letters(alpha)
        alpha.spoilt = set()

        async def write() -> None:
            for number in range(1, 300):
                await topic.send(counted(number))

        writing = asyncio.create_task(write())
        await until(lambda: letters(alpha), lambda found: len(found) > 5)
        replays = await asyncio.gather(
            *[replayed(alpha, failed) for _ in range(3)]  # as by three operators at once
        )
        await writing
        await until(alpha.tally, lambda tally: len(tally) >= 300)
        assert await alpha.tally() == list(range(300))
        assert sum(replays) > 5
        assert await letters(alpha) == []


async def test_too_many_dead_letters_in_a_row_stop_the_consumer_until_a_restart(
    alpha: Alpha, topic: TopicWriter
) -> None:
    alpha.spoilt = set(range(100))
    consumer = alpha.consumer(retry_s=0.0, max_failures_in_a_row=3)
    async with running(consumer):
        for number in range(10):
            # Successes of another type do not reset the count.
            await topic.send(counted(number, f"thing_{number}"), ThingWeighed(thing_id="thing_w", number=1000 + number))
        await until(lambda: asyncio.sleep(0, REGISTRY.get_sample_value("kierto_consumer_stopped")))
        await until(lambda: asyncio.sleep(0, not consumer.ready))
        assert await states(alpha) == ["FAILED"] * 3
        await until(
            lambda: asyncio.sleep(0, REGISTRY.get_sample_value("kierto_dead_letters", {"state": "FAILED"})),
            lambda found: found == 3,
        )
        with pytest.raises(ValueError, match="can't be counted"):
            await replayed(alpha, (await letters(alpha))[0])
        alpha.spoilt = set()
    async with running(alpha.consumer()):
        things = "SELECT count(DISTINCT thing) FROM tally WHERE thing <> 'thing_w'"
        await until(lambda: alpha.pool.fetchval(things), lambda found: found == 7)
        assert REGISTRY.get_sample_value("kierto_consumer_stopped") == 0
        assert await replay_all(alpha) == 3
    assert await alpha.pool.fetchval(things) == 10
