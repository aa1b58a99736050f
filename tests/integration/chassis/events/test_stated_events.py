"""Stated events: keyed by their subject, so that all versions of a thing are in one partition."""

import pytest

from services.chassis.events.envelope import RawRecord
from services.chassis.events.outbox import partition_of
from services.contracts.declare import declare_event
from tests.integration.chassis.events.publish.published_records import records
from tests.support.alpha import Alpha, ThingStated, organisation, running
from tests.support.polling import until


def stated(number: int, organisation_id: str) -> ThingStated:
    return ThingStated(thing_id="thing_1", organisation_id=organisation_id, number=number)


def key_and_partition(record: RawRecord) -> tuple[str, int]:
    assert record.key is not None
    assert record.header("ce_partitionkey") == record.key.decode()
    return record.key.decode(), record.partition


async def test_a_stated_event_is_keyed_by_its_subject_and_any_other_by_its_organisation(alpha: Alpha) -> None:
    organisations = [organisation() for _ in range(12)]
    async with running(alpha.relay()):
        await alpha.emit_events(*[stated(number, one) for number, one in enumerate(organisations)])
        for number, one in enumerate(organisations):
            await alpha.emit([number], organisation=one)
        found = await until(lambda: records(alpha), lambda found: len(found) == 24)
    assert {key_and_partition(record) for record in found if record.type == "alpha.thing.stated"} == {
        ("thing_1", partition_of("thing_1"))
    }
    assert {key_and_partition(record) for record in found if record.type == "alpha.thing.counted"} == {
        (one, partition_of(one)) for one in organisations
    }
    logged = "SELECT count(DISTINCT organisation_id) FROM chassis.outbox WHERE type = 'alpha.thing.stated'"
    assert await alpha.pool.fetchval(logged) == 12, "the log knows the organisation of each"


async def test_stated_events_take_effect_in_order_whichever_their_organisation(alpha: Alpha) -> None:
    async with running(alpha.relay(), alpha.consumer()):
        await alpha.emit_events(*[stated(number, organisation()) for number in range(60)])
        assert await until(alpha.tally, lambda tally: len(tally) >= 60) == list(range(60))


def test_a_stated_event_is_not_public() -> None:
    with pytest.raises(TypeError, match="can't be public"):
        declare_event("alpha.thing.stated", subject="thing_id", public=True)
