"""Subscribers of the feed: any order of arrival, any pace, any gap."""

import asyncio
import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.subscriptions.feed import Feed
from gateway.subscriptions.subscriber import PAGE_SIZE, Checkpoint, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.events.event_log import START, Cursor
from services.chassis.ids import new_uuid
from services.chassis.problems import Forbidden
from services.chassis.rpc.channel import CallFailed
from services.contracts.identity.events import Grant
from services.contracts.orders.event_log import CursorExpired, EventPage, OrderEventFilter
from services.contracts.values import Refusal
from tests.gateway.event_log_stub import EventLogStub
from tests.gateway.stubs.samples import NOW, PARTNER, partner_access, site_id
from tests.gateway.subscribers import sequences, subscriber, subscriber_access
from tests.support.clock import TestClock
from tests.support.hypothesis_profiles import max_examples


class Scenario(msgspec.Struct):
    """The history of a log and its records: the number of events, their partitions, lost and repeated records.

    ``restored_to``: its backup is restored after ``total`` events, and ``after`` events follow.
    """

    total: int
    partitions: list[int]
    lost: set[int]
    repeated: list[int]
    internal: set[int]
    away: int
    capacity: int
    restored_to: int | None
    after: int
    starts: list[int]
    seed: int


numbers = st.integers(1, 60)
scenarios = st.builds(
    Scenario,
    total=numbers,
    partitions=st.lists(st.integers(0, 5), min_size=120, max_size=120),
    lost=st.sets(numbers, max_size=20),
    repeated=st.lists(numbers, max_size=20),
    internal=st.sets(numbers, max_size=20),
    away=st.integers(0, 3),
    capacity=st.integers(1, 40),
    restored_to=st.one_of(st.none(), st.integers(0, 60)),
    after=st.integers(1, 20),
    starts=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    seed=st.integers(0, 1_000_000),
)


@settings(max_examples=max_examples(60))
@given(story=scenarios)
async def test_every_subscriber_sees_every_event_once_and_in_order(story: Scenario) -> None:
    """In any order of six partitions, with any lost and repeated records, also after a restore."""
    chance, clock, log = random.Random(story.seed), TestClock(NOW), EventLogStub()
    feed = Feed(log.between, story.capacity, gap_timeout_s=0.001)
    stop, caught_up = asyncio.Event(), asyncio.Event()
    caught_up.set()
    running = asyncio.create_task(feed.run(caught_up, stop))
    await asyncio.sleep(0)
    starts = [min(start, story.total) for start in story.starts]
    log.internal = {number for number in story.internal if number <= story.total}
    log.grow(max(starts))
    followed = [subscriber(feed, log, clock).follow(str(Cursor(log.generation, start))) for start in starts]
    for items in followed:
        assert isinstance(await anext(items), Checkpoint)
    log.gap_read_failures = story.away
    last = story.total + 1
    reading = [asyncio.create_task(sequences(items, last, chance.choice([0, 0.001]))) for items in followed]
    await deliver(feed, log, chance, story, range(1, last))
    for start, seen in zip(starts, reading, strict=True):
        assert await seen == [event.sequence for event in log.log if event.sequence > start]
    if story.restored_to is not None:
        kept = min(story.restored_to, log.last)
        log.restore(kept)
        ending = [asyncio.ensure_future(anext(items)) for items in followed]
        new_items = subscriber(feed, log, clock).follow(None)
        await anext(new_items)
        last = log.last + story.after + 1
        new = asyncio.create_task(sequences(new_items, last))
        await deliver(feed, log, chance, story, [*range(1, kept + 1), *range(log.last + 1, last)])
        assert await new == list(range(last - story.after, last + 1))
        for one in ending:
            expired = await asyncio.wait_for(one, 60)
            assert isinstance(expired, CursorExpired), "nothing of the new generation comes with an old cursor"
            again = subscriber(feed, log, clock).follow(expired.start)
            await anext(again)
            assert await sequences(again, last) == [event.sequence for event in log.log]
    running.cancel()


async def deliver(
    feed: Feed, log: EventLogStub, chance: random.Random, story: Scenario, numbers: Sequence[int]
) -> None:
    """Deliver records in the order of their partitions, some not at all and some twice, and finally one more."""
    ways: list[list[int]] = [[] for _ in range(6)]
    for number in numbers:
        if number not in story.lost:
            ways[story.partitions[number % len(story.partitions)]].append(number)
    while any(ways):
        number = chance.choice([way for way in ways if way]).pop(0)
        log.grow(number)
        feed.handle_record(log.record(number))
        if story.repeated and (again := chance.choice(story.repeated)) in numbers:
            log.grow(again)
            feed.handle_record(log.record(again))
        if chance.random() < 0.5:
            await asyncio.sleep(chance.choice([0, 0, 0.002]))
    log.grow(max(log.last, *numbers, 0) + 1)
    feed.handle_record(log.record(log.last))


async def test_a_slow_subscriber_delays_no_others_and_misses_nothing() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between, capacity=20)
    feed.start()
    slow, quick = (subscriber(feed, log, clock).follow(None) for _ in range(2))
    await anext(slow)
    await anext(quick)
    reading = asyncio.create_task(sequences(slow, 200, pace_s=0.001))
    keeping_up = asyncio.create_task(sequences(quick, 200))
    for number in range(1, 201):
        feed.handle_record(log.write(number))
        await asyncio.sleep(0)
    assert await keeping_up == list(range(1, 201))
    assert not reading.done()
    assert await reading == list(range(1, 201))


async def test_a_subscriber_inside_the_ring_does_not_read_the_log() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.start()
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    for number in range(1, 101):
        feed.handle_record(log.write(number))
    assert await sequences(items, 100) == list(range(1, 101))
    assert log.calls == 1


async def test_a_subscription_waits_while_orders_is_unavailable() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    for number in range(1, 4):
        log.write(number)
    feed.handle_record(log.write(4))
    feed.start()
    log.log, held = log.log[:1], log.log
    log.last = 1
    items = subscriber(feed, log, clock).follow("START")
    await anext(items)
    log.log, log.last, log.failures = held, 4, 1
    assert await sequences(items, 4) == [1, 2, 3, 4]


async def test_a_refusal_of_orders_ends_the_subscription() -> None:
    class Refusing(EventLogStub):
        async def events(self, *given: Any, **named: Any) -> EventPage | CursorExpired | Refusal:
            raise CallFailed("orders", 403, "FORBIDDEN", [])

    with pytest.raises(CallFailed):
        await anext(subscriber(Feed(EventLogStub().between), Refusing(), TestClock(NOW)).follow(None))


async def test_a_restored_log_expires_the_cursors_of_subscribers_behind() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.handle_record(log.write(1))
    feed.start()
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    log.generation = new_uuid()
    feed.ring.reset(log.generation, 10)
    feed.subscribers.notify_all()
    assert isinstance(await anext(items), CursorExpired)
    with pytest.raises(StopAsyncIteration):
        await anext(items)


async def test_a_subscriber_ahead_of_the_feed_in_a_new_generation_gets_later_events() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.start()
    feed.handle_record(log.write(1))
    log.restore(1)
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    reading = asyncio.create_task(sequences(items, 3))
    await asyncio.sleep(0)
    assert log.calls == 2, "the first page, and one more because the feed knows nothing of this generation yet"
    feed.handle_record(log.write(2))
    feed.handle_record(log.write(3))
    assert await reading == [2, 3]


async def test_an_event_that_arrives_during_a_page_wakes_its_reader() -> None:
    class Crossing(EventLogStub):
        async def events(self, *given: Any, **named: Any) -> EventPage | CursorExpired | Refusal:
            page = await super().events(*given, **named)
            if self.calls == 2:
                feed.handle_record(self.write(2))
            return page

    clock, log = TestClock(NOW), Crossing()
    feed = Feed(log.between)
    feed.start()
    feed.handle_record(log.write(1))
    log.restore(1)
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    assert await sequences(items, 2) == [2]


async def test_a_revoked_scope_ends_an_idle_subscription() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.start()
    watching = subscriber_access(clock)
    items = Subscriber(feed, log, watching, OrderEventFilter()).follow(None)
    await anext(items)
    ending = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    stated = msgspec.structs.replace(partner_access(None, version=2), scopes=["orders:read"])
    watching._authenticator._recent_access.put(PARTNER, stated, NOW)
    feed.subscribers.update(PARTNER)
    with pytest.raises(Forbidden):
        await asyncio.wait_for(ending, 60)


async def test_a_checkpoint_is_sent_without_matching_events() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.start()
    items = Subscriber(
        feed, log, subscriber_access(clock), OrderEventFilter(types=["nothing"]), checkpoint_interval_s=0.05
    ).follow(None)
    assert await anext(items) == Checkpoint(cursor=str(Cursor(log.generation, 0)))
    feed.handle_record(log.write(1))
    assert await anext(items) == Checkpoint(cursor=str(Cursor(log.generation, 1)))
    assert await anext(items) == Checkpoint(cursor=str(Cursor(log.generation, 1)))


async def test_a_grant_ends_with_its_last_day() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    stated = partner_access(None)
    until = msgspec.structs.replace(stated, grants=[Grant(organisation_id=None, until=dt.date(2026, 3, 4))])
    caller = subscriber_access(clock).caller
    watching = SubscriberAccess(caller, until, subscriber_access(clock)._authenticator, clock)
    log.write(1)
    assert watching.may_see(log.log[0])
    clock.move(hours=14)
    assert not watching.may_see(log.log[0])


async def test_a_subscriber_before_the_feeds_first_event_gets_all_of_the_log(clock: TestClock) -> None:
    """As after a gateway's restart, while nothing has arrived by Kafka."""
    log = EventLogStub()
    log.grow(3 * PAGE_SIZE)
    items = subscriber(Feed(log.between), log, clock).follow(START)
    assert isinstance(await anext(items), Checkpoint)
    assert await sequences(items, 3 * PAGE_SIZE) == list(range(1, 3 * PAGE_SIZE + 1))


async def test_a_narrow_filter_gets_checkpoints(clock: TestClock) -> None:
    """Without them it would read all of the log again, and a short-lived subscriber would never reach the end."""
    log = EventLogStub()
    log.grow(3_500)
    elsewhere = OrderEventFilter(site_ids=[site_id(99)])
    items = Subscriber(Feed(log.between), log, subscriber_access(clock), elsewhere).follow(
        str(Cursor(log.generation, 0))
    )
    items_seen = [await asyncio.wait_for(anext(items), 60) for _ in range(2)]
    assert [Cursor.of(one.cursor).sequence for one in items_seen if isinstance(one, Checkpoint)] == [0, 3_500]
