"""Records that are no events of this build: dead letters, while all others are handled."""

import datetime as dt

import pytest

from services.chassis.events.outbox import partition_of
from tests.integration.chassis.events.consume.quarantine import counted, letters, replayed, states
from tests.integration.chassis.events.topic import SentRecord, TopicWriter
from tests.support.alpha import Alpha, running
from tests.support.polling import until

NOW_MS = int(dt.datetime.now(dt.UTC).timestamp() * 1000)


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
