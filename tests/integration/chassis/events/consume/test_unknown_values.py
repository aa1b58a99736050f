"""Events with an enum value that this build does not know: parked with their subject's later events, in any partition.

The older build is this one with another declaration of the event, whose enum lacks GREEN.
"""

import enum
from collections.abc import AsyncIterator

import msgspec
import pytest
from prometheus_client import REGISTRY

from services.chassis.events.consume.dead_letters import DeadLetter
from services.chassis.events.consume.replay import StillUnknown
from services.chassis.events.outbox import partition_of
from services.contracts import declare
from services.contracts.declare import Event
from tests.integration.chassis.events.consume.quarantine import letters, replayed, states
from tests.support.alpha import Alpha, Colour, ThingStated, organisation, running
from tests.support.polling import until


class OlderColour(enum.Enum):
    RED = "RED"


class OlderThingStated(Event, frozen=True, kw_only=True):
    thing_id: str
    organisation_id: str | None = None
    number: int
    colour: OlderColour = OlderColour.RED


@pytest.fixture
def organisation_elsewhere() -> str:
    """Return an organisation whose partition is not that of thing_1."""
    while partition_of(chosen := organisation()) == partition_of("thing_1"):
        pass
    return chosen


@pytest.fixture
async def published(alpha: Alpha) -> AsyncIterator[Alpha]:
    """Alpha with a running relay."""
    async with running(alpha.relay()):
        yield alpha


def roll_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this build one that does not know GREEN, until ``monkeypatch.undo``."""
    current = declare._by_name["alpha.thing.stated"]
    older = msgspec.structs.replace(current, struct=OlderThingStated)
    monkeypatch.setitem(declare._by_name, "alpha.thing.stated", older)


def green(number: int, organisation_id: str | None = None) -> ThingStated:
    return ThingStated(thing_id="thing_1", organisation_id=organisation_id, number=number, colour=Colour.GREEN)


async def park(alpha: Alpha, monkeypatch: pytest.MonkeyPatch, organisation_id: str) -> list[DeadLetter]:
    """Have the older build park an event, and another of its subject behind it that is in another partition."""
    roll_back(monkeypatch)
    async with running(alpha.consumer()):
        await alpha.emit_events(green(1, organisation_id))
        await until(lambda: states(alpha), lambda found: found == ["PARKED"])
        await alpha.emit([2], organisation=organisation_id)
        await alpha.emit([20], thing="thing_2", organisation=organisation_id)
        await until(lambda: alpha.tally("thing_2"))
        await until(lambda: states(alpha), lambda found: found == ["PARKED"] * 2)
    assert await alpha.tally() == []
    return await letters(alpha)


async def park_behind_failed(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the older build park an event behind one of its subject that failed."""
    roll_back(monkeypatch)
    alpha.spoilt = {1}
    async with running(alpha.consumer(retry_s=0.0)):
        await alpha.emit([1])
        await until(lambda: states(alpha), lambda found: found == ["FAILED"])
        await alpha.emit_events(green(2))
        await until(lambda: states(alpha), lambda found: found == ["FAILED", "PARKED"])
    alpha.spoilt = set()


async def test_an_unknown_value_parks_the_event_and_its_subject_until_a_build_knows_it(
    published: Alpha, monkeypatch: pytest.MonkeyPatch, organisation_elsewhere: str
) -> None:
    before = REGISTRY.get_sample_value("kierto_events_dead_lettered_total", {"state": "PARKED"}) or 0
    unknown, behind = await park(published, monkeypatch, organisation_elsewhere)
    assert REGISTRY.get_sample_value("kierto_events_dead_lettered_total", {"state": "PARKED"}) == before + 2
    assert unknown.record.partition != behind.record.partition
    assert unknown.reason == "unknown value: Invalid enum value 'GREEN' - at `$.colour`"
    assert behind.reason == "behind a parked event"
    monkeypatch.undo()
    async with running(published.consumer()):
        await until(lambda: states(published), lambda found: found == [])
        await published.emit([3], organisation=organisation_elsewhere)
        assert await until(published.tally, lambda tally: len(tally) == 3) == [1, 2, 3]


async def test_a_restart_and_a_replay_of_the_older_build_leave_the_events_parked_in_order(
    published: Alpha, monkeypatch: pytest.MonkeyPatch, organisation_elsewhere: str
) -> None:
    parked = await park(published, monkeypatch, organisation_elsewhere)
    async with running(published.consumer()):
        await published.emit([21], thing="thing_2", organisation=organisation_elsewhere)
        await until(lambda: published.tally("thing_2"), lambda tally: tally == [20, 21])
        for letter in parked:
            with pytest.raises(StillUnknown, match=r"this build does not know alpha\.thing\.stated"):
                await replayed(published, letter)
    assert await states(published) == ["PARKED"] * 2
    monkeypatch.undo()
    assert await replayed(published, parked[1]) == 2, "the command replays the whole subject"
    assert await published.tally() == [1, 2]


async def test_a_parked_event_behind_a_failed_one_is_not_replayed_before_it(
    published: Alpha, monkeypatch: pytest.MonkeyPatch
) -> None:
    await park_behind_failed(published, monkeypatch)
    async with running(published.consumer()):
        await published.emit([3])
        await until(lambda: states(published), lambda found: found == ["FAILED", "PARKED", "WAITING"])
    (failed, _, _) = await letters(published)
    with pytest.raises(StillUnknown):
        await replayed(published, failed)
    assert await published.tally() == [1]
    assert await states(published) == ["PARKED", "PARKED"], "the last one waits for no command any more"
    monkeypatch.undo()
    async with running(published.consumer()):
        assert await until(published.tally, lambda tally: len(tally) == 3) == [1, 2, 3]


async def test_a_known_build_leaves_a_parked_event_behind_a_failed_one_to_the_command(
    published: Alpha, monkeypatch: pytest.MonkeyPatch
) -> None:
    await park_behind_failed(published, monkeypatch)
    monkeypatch.undo()
    consumer = published.consumer()
    async with running(consumer):
        await published.emit([20], thing="thing_2")
        await until(lambda: published.tally("thing_2"))
        await consumer.replayer.replay_parked()
        assert await states(published) == ["FAILED", "PARKED"]
        assert await replayed(published, (await letters(published))[0]) == 2
    assert await published.tally() == [1, 2]


async def test_a_parked_event_that_fails_blocks_those_behind_it(
    published: Alpha, monkeypatch: pytest.MonkeyPatch, organisation_elsewhere: str
) -> None:
    await park(published, monkeypatch, organisation_elsewhere)
    monkeypatch.undo()
    published.spoilt = {1}
    async with running(published.consumer()):
        await until(lambda: states(published), lambda found: found == ["FAILED", "PARKED"])
        await published.emit([3], organisation=organisation_elsewhere)
        await until(lambda: states(published), lambda found: found == ["FAILED", "PARKED", "WAITING"])
        assert await published.tally() == []
        published.spoilt = set()
        assert await replayed(published, (await letters(published))[0]) == 3
    assert await published.tally() == [1, 2, 3]


async def test_an_event_that_is_malformed_beside_its_unknown_value_is_dead_lettered(alpha: Alpha) -> None:
    """Its fault is its own: no newer build could decode it."""
    await alpha.emit_events(green(1))
    await alpha.pool.execute(
        "UPDATE chassis.outbox SET data = $1", b'{"thingId":"thing_1","number":"one","colour":"GREY"}'
    )
    async with running(alpha.relay(), alpha.consumer()):
        await until(lambda: states(alpha), lambda found: found == ["FAILED"])
