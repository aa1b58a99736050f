"""Dead letters: failed, waiting and parked events, their replay and their deduplication."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from services.chassis.events.consume import dead_letters
from services.chassis.events.consume.dead_letters import DeadLetter
from services.chassis.events.consume.replay import StillUnknown
from services.chassis.events.outbox import partition_of
from services.contracts import declare
from tests.integration.chassis.events.topic import SentRecord, TopicWriter
from tests.support.alpha import Alpha, ThingCounted, ThingWeighed, running
from tests.support.polling import until

NOW_MS = int(dt.datetime.now(dt.UTC).timestamp() * 1000)


def counted(number: int, thing: str = "thing_1") -> ThingCounted:
    return ThingCounted(thing_id=thing, number=number)


async def letters(alpha: Alpha) -> list[DeadLetter]:
    async with alpha.pool.acquire() as connection:
        return await dead_letters.page(connection, 0, 1000)


async def states(alpha: Alpha) -> list[str]:
    return [letter.state for letter in await letters(alpha)]


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


async def replayed(alpha: Alpha, letter: DeadLetter) -> int:
    return len([one async for one in alpha.consumer().replayer.replay(letter)])


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


def _without(record: SentRecord, header: str) -> SentRecord:
    return SentRecord(
        record.partition,
        record.timestamp,
        record.key,
        record.value,
        [one for one in record.headers if one[0] != header],
    )


def _with_value(record: SentRecord, value: bytes | None, key: bytes | None = b"thing_p") -> SentRecord:
    return SentRecord(record.partition, record.timestamp, key, value, record.headers)


def malformed_records(topic: TopicWriter) -> dict[str, tuple[SentRecord, str]]:
    """Build records of every kind that is no event of this build, and the state of each one's dead letter."""

    def build(**changed: str | bytes | None) -> SentRecord:
        return topic.record(counted(666, "thing_p"), time=None, written_at=None, **changed)

    plain = build()
    return {
        "not JSON": (_with_value(plain, b"not an event"), "FAILED"),
        "no value": (_with_value(build(), None), "FAILED"),
        "no headers at all": (SentRecord(0, NOW_MS, None, b"\x00\xff\x00", []), "FAILED"),
        "truncated JSON": (_with_value(build(), b'{"thingId":"thing_1","numb'), "FAILED"),
        "deep JSON": (_with_value(build(), b"[" * 100_000), "FAILED"),
        "another shape": (_with_value(build(), b'{"thingId":7}'), "FAILED"),
        "a number of 5000 digits": (
            _with_value(build(), b'{"thingId":"thing_1","number":1' + b"0" * 5000 + b"}"),
            "FAILED",
        ),
        "300 kB": (_with_value(build(), b'{"thingId":"' + b"x" * 300_000 + b'"}'), "FAILED"),
        "900 kB": (_with_value(build(), b"x" * 900_000), "FAILED"),
        "unknown type": (build(ce_type="alpha.thing.painted"), "PARKED"),
        "unknown type, 300 kB": (_with_value(build(ce_type="alpha.thing.painted"), b"x" * 300_000), "PARKED"),
        "specversion 0.3": (build(ce_specversion="0.3"), "FAILED"),
        "specversion 2.0": (build(ce_specversion="2.0"), "FAILED"),
        "no id": (build(ce_id=None), "FAILED"),
        "id empty": (build(ce_id=""), "FAILED"),
        "id not a UUID": (build(ce_id="id-1"), "FAILED"),
        "id of 900 kB": (build(ce_id="x" * 900_000), "FAILED"),
        "no subject": (build(ce_subject=None), "FAILED"),
        "subject of 900 kB": (build(ce_subject="x" * 900_000), "FAILED"),
        "type of 900 kB": (build(ce_type="x" * 900_000), "PARKED"),
        "no source": (build(ce_source=None), "FAILED"),
        "no time": (build(ce_time=None), "FAILED"),
        "no zone": (build(ce_time="2026-03-04T08:00:00"), "FAILED"),
        "no instant": (build(ce_time="yesterday"), "FAILED"),
        "year 1": (build(ce_time="0001-01-01T00:00:00+14:00"), "FAILED"),
        "year 9999": (build(ce_time="9999-12-31T23:59:59-14:00"), "FAILED"),
        "three years ago": (build(ce_time="2023-03-04T08:00:00Z"), "FAILED"),
        "sequence not a number": (build(ce_sequence="seven"), "FAILED"),
        "sequence below zero": (build(ce_sequence="-1"), "FAILED"),
        "sequence of 5000 digits": (build(ce_sequence="1" * 5000), "FAILED"),
        "sequence in Thai digits": (build(ce_sequence="๑๒๓"), "FAILED"),
        "headers not UTF-8": (build(ce_id=b"\xff\xfe", ce_subject=b"\xff\xfe"), "FAILED"),
        "NUL in every header": (
            SentRecord(0, NOW_MS, b"\0", b"{}", [(name, b"a\0b") for name, _ in build().headers]),
            "FAILED",
        ),
        "invalid header names": (SentRecord(0, NOW_MS, None, b"{}", [("\0", b"\0"), ("", b"")]), "FAILED"),
    }


async def test_malformed_records_are_dead_lettered_and_all_others_handled(alpha: Alpha, topic: TopicWriter) -> None:
    kinds = malformed_records(topic)
    async with running(alpha.consumer(max_failures_in_a_row=1000)):
        await topic.send(counted(0))
        for number, (record, _) in enumerate(kinds.values(), start=1):
            await topic.send(record, counted(number))
        await until(alpha.tally, lambda tally: len(tally) == len(kinds) + 1)
        await until(lambda: letters(alpha), lambda found: len(found) == len(kinds))
    found = await letters(alpha)
    for kind, (record, state) in kinds.items():
        assert [one for one in found if (one.record.value, one.state) == (record.value, state)], kind
    assert await alpha.tally() == list(range(len(kinds) + 1))
    assert await alpha.pool.fetchval("SELECT count(*) FROM tally WHERE number = 666") == 0

    for letter in found:
        if letter.state == "FAILED":
            with pytest.raises(ValueError, match=r"."):
                await replayed(alpha, letter)
    assert len(await letters(alpha)) == len(kinds)


async def test_an_unreadable_record_is_dead_lettered(alpha: Alpha, topic: TopicWriter) -> None:
    await topic.send(*[counted(number) for number in range(5)], *[counted(n, "thing_2") for n in range(5)])
    await topic.send_undecodable(partition_of("thing_1"))
    await topic.send_undecodable(partition_of("thing_1"))
    await topic.send(*[counted(number) for number in range(5, 10)], counted(5, "thing_2"))
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) >= 10) == list(range(10))
        assert await until(lambda: alpha.tally("thing_2"), lambda tally: len(tally) >= 6) == list(range(6))
        await topic.send_undecodable(partition_of("thing_1"))
        await until(lambda: states(alpha), lambda found: found == ["FAILED"] * 3)
    async with running(alpha.consumer()):  # verifies the offset of the last one
        await topic.send(counted(10))
        assert await until(alpha.tally, lambda tally: len(tally) >= 11) == list(range(11))


async def test_an_event_without_a_key_is_handled(alpha: Alpha, topic: TopicWriter) -> None:
    record = topic.record(counted(1))
    async with running(alpha.consumer()):
        await topic.send(SentRecord(3, record.timestamp, None, record.value, record.headers))
        await until(alpha.tally)
    assert await letters(alpha) == []


async def test_implausible_days_create_no_inbox_partitions(alpha: Alpha, topic: TopicWriter) -> None:
    # The broker itself refuses timestamps that are more than an hour ahead.
    now = dt.datetime.now(dt.UTC)
    days = [now - dt.timedelta(days=ago) for ago in (20_000, 800, 401)]
    kept = [now - dt.timedelta(days=ago) for ago in (89, 1, 0)]
    async with running(alpha.consumer()):
        await topic.send(*[topic.record(counted(n, f"thing_of_day_{n}"), written_at=at) for n, at in enumerate(days)])
        await topic.send(*[topic.record(counted(n), written_at=at) for n, at in enumerate(kept)])
        await until(alpha.tally, lambda tally: len(tally) == len(kept))
        await until(lambda: states(alpha), lambda found: found == ["FAILED"] * len(days))
    tables = await alpha.pool.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'chassis.inbox'::regclass")
    assert tables == len(kept)


async def test_a_move_of_the_operators_clock_by_years_stops_no_worker(alpha: Alpha, topic: TopicWriter) -> None:
    six_years = dt.timedelta(days=6 * 365)
    begin = alpha.clock.now()
    alpha.clock.move(days=six_years.days)
    backlog = [topic.record(counted(n), time=begin + (six_years if n < 5 else dt.timedelta())) for n in range(10)]
    await topic.send(*backlog)
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) >= 10) == list(range(10))
        alpha.clock.move(days=-six_years.days)
        await topic.send(topic.record(counted(10), time=begin + six_years), topic.record(counted(11), time=begin))
        assert await until(alpha.tally, lambda tally: len(tally) >= 12) == list(range(12))
    await topic.republish()
    async with running(alpha.consumer()):
        await topic.send(counted(12))
        assert await until(alpha.tally, lambda tally: len(tally) >= 13) == list(range(13))
    assert await letters(alpha) == []


async def test_a_dropped_inbox_partition_is_created_again(alpha: Alpha, topic: TopicWriter) -> None:
    async with running(alpha.consumer()):
        await topic.send(counted(1))
        await until(alpha.tally)
        for row in await alpha.pool.fetch(
            "SELECT inhrelid::regclass AS name FROM pg_inherits WHERE inhparent = 'chassis.inbox'::regclass"
        ):
            await alpha.pool.execute(f"DROP TABLE {row['name']}")
        await topic.send(counted(2))
        assert await until(alpha.tally, lambda tally: len(tally) == 2) == [1, 2]
    assert await letters(alpha) == []


async def test_duplicates_in_a_batch_take_effect_once(alpha: Alpha, topic: TopicWriter) -> None:
    first = topic.record(counted(1), ce_id=str(uuid.UUID(int=1)))
    await topic.send(first, first, counted(2))
    async with running(alpha.consumer()):
        assert await until(alpha.tally, lambda tally: len(tally) == 2) == [1, 2]
