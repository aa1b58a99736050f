"""The feed and its subscribers: any order of arrival, any pace, any gap."""

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.ring_buffer import RingBuffer
from gateway.subscriptions.subscriber import PAGE_SIZE, Checkpoint, EventFilter, OrderEventItem, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.auth.tokens import Claims, Verifier
from services.chassis.events.envelope import raw_record
from services.chassis.events.event_log import START, Cursor
from services.chassis.ids import new_uuid
from services.chassis.rpc.channel import CallFailed
from services.contracts.identity import Grant, SubjectKind
from services.contracts.orders import CursorExpired, EventPage, OrderEvent
from services.contracts.values import Refusal
from tests.gateway.event_log_stub import EventLogStub
from tests.gateway.stubs.samples import NOW, PARTNER, partner_access, site_id
from tests.support.clock import TestClock
from tests.support.hypothesis_profiles import max_examples
from tests.support.polling import until


def subscriber_access(clock: TestClock) -> SubscriberAccess:
    async def no_keys() -> str:
        raise AssertionError

    claims = Claims(
        iss="",
        aud="",
        sub=PARTNER,
        client_id="",
        jti="",
        iat=0,
        exp=int(NOW.timestamp()) + 600,
        kind="PARTNER",
        scope="orders:subscribe",
    )
    access = Authenticator(Verifier(no_keys, clock), clock)
    return SubscriberAccess(
        AuthenticatedCaller("token", claims, SubjectKind.PARTNER), partner_access(None), access, clock
    )


def subscriber(feed: Feed, log: Any, clock: TestClock, checkpoint_interval_s: float = 30) -> Subscriber:
    return Subscriber(feed, log, subscriber_access(clock), EventFilter(), checkpoint_interval_s)


async def sequences(items: AsyncIterator[OrderEventItem], last: int, pace_s: float = 0) -> list[int]:
    """Return the sequence numbers of the next events, up to ``last``."""
    received: list[int] = []
    async with asyncio.timeout(60):
        async for item in items:
            assert not isinstance(item, CursorExpired | Refusal), item
            if isinstance(item, OrderEvent):
                received.append(item.sequence)
                assert Cursor.of(item.cursor).sequence == item.sequence
                if item.sequence >= last:
                    break
            if pace_s:
                await asyncio.sleep(pace_s)
    return received


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


async def test_a_gap_is_filled_once_for_all_subscribers() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed, stop, caught_up = Feed(log.between), asyncio.Event(), asyncio.Event()
    caught_up.set()
    running = asyncio.create_task(feed.run(caught_up, stop))
    await asyncio.sleep(0)
    followed = [subscriber(feed, log, clock).follow(None) for _ in range(5)]
    for items in followed:
        await anext(items)
    feed.handle_record(log.write(1))
    log.write(2)
    feed.handle_record(log.write(3))
    assert [await sequences(items, 3) for items in followed] == [[1, 2, 3]] * 5
    assert log.calls == 5 + 1
    stop.set()
    await running


async def test_a_gap_is_left_to_subscribers_while_the_log_is_unavailable() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed, stop, caught_up = Feed(log.between, gap_timeout_s=0.001), asyncio.Event(), asyncio.Event()
    caught_up.set()
    running = asyncio.create_task(feed.run(caught_up, stop))
    await asyncio.sleep(0)
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    log.gap_read_failures = 1
    feed.handle_record(log.write(1))
    log.write(2)
    feed.handle_record(log.write(3))
    await until(lambda: asyncio.sleep(0, feed.ring.last), lambda last: last == 3)
    assert feed.ring.base == 2, "the ring begins behind the gap"
    assert await sequences(items, 3) == [1, 2, 3]
    running.cancel()


async def test_a_record_that_this_build_cannot_read_is_left_to_the_log() -> None:
    log = EventLogStub()
    feed = Feed(log.between)
    feed.start()
    known = log.write(1)
    headers = list(zip(known.names, known.values, strict=True))
    unknown = raw_record("topic", 0, 1, 0, None, b"{}", [*headers, ("ce_type", b"orders.order.teleported")])
    broken = raw_record("topic", 0, 1, 0, None, b"{}", headers)
    nonsense = raw_record("topic", 0, 1, 0, None, b"{}", ())
    for record in (unknown, broken, nonsense):
        feed.handle_record(record)
    assert feed.ring.last == 0
    feed.handle_record(known)
    assert feed.ring.last == 1


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
    feed.wake()
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


async def test_late_records_of_an_older_generation_are_ignored() -> None:
    log = EventLogStub()
    feed = Feed(log.between)
    feed.start()
    older = [log.record(number) for number in (1, 2, 3)]
    feed.handle_record(older[0])
    log.restore(0)
    log.last = 3
    feed.handle_record(log.write(4))
    for record in older:
        feed.handle_record(record)
    assert (feed.ring.generation, feed.ring.base, feed.ring.last) == (log.generation, 3, 4)


async def test_a_process_begins_with_the_highest_generation() -> None:
    log = EventLogStub()
    feed = Feed(log.between)
    older = [log.record(number) for number in (1, 2, 3)]
    log.restore(1)
    log.last = 3
    newer = [log.write(4), log.write(5)]
    for record in (older[0], newer[1], older[2], newer[0], older[1]):
        feed.handle_record(record)
    feed.start()
    assert (feed.ring.generation, feed.ring.base, feed.ring.last) == (log.generation, 3, 5)


async def test_a_revoked_scope_ends_an_idle_subscription() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.start()
    watching = subscriber_access(clock)
    items = Subscriber(feed, log, watching, EventFilter()).follow(None)
    await anext(items)
    ending = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    stated = msgspec.structs.replace(partner_access(None, version=2), scopes=["orders:read"])
    watching._authenticator._recent_access.put(PARTNER, stated, NOW)
    feed.wake()
    assert isinstance(await asyncio.wait_for(ending, 60), Refusal)


async def test_a_checkpoint_is_sent_without_matching_events() -> None:
    clock, log = TestClock(NOW), EventLogStub()
    feed = Feed(log.between)
    feed.start()
    items = Subscriber(
        feed, log, subscriber_access(clock), EventFilter(types=["nothing"]), checkpoint_interval_s=0.05
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
    elsewhere = EventFilter(site_id=site_id(99))
    items = Subscriber(Feed(log.between), log, subscriber_access(clock), elsewhere).follow(
        str(Cursor(log.generation, 0))
    )
    items_seen = [await asyncio.wait_for(anext(items), 60) for _ in range(4)]
    assert [Cursor.of(one.cursor).sequence for one in items_seen if isinstance(one, Checkpoint)] == [
        0,
        1_000,
        2_000,
        3_000,
    ]


def test_the_ring_keeps_the_newest() -> None:
    log, ring = EventLogStub(), RingBuffer(capacity=10, max_characters=1_000_000)
    generation = log.generation
    assert not ring.holds(Cursor(generation, 0)), "it knows nothing yet"
    ring.reset(log.generation, 0)
    for number in range(1, 31):
        log.write(number)
        ring.add(log.log[-1])
    assert ring.base is not None and 18 <= ring.base <= 20
    assert not ring.holds(Cursor(generation, ring.base - 1)) and ring.holds(Cursor(generation, ring.base))
    assert not ring.holds(Cursor(new_uuid(), 25))
    events, position = ring.events_after(25, 3)
    assert ([event.sequence for event in events], position) == ([26, 27, 28], 28)
    ring.skip_to(40)
    assert ring.events_after(28, 10)[1] == 40
    assert ring.events_after(50, 10) == ([], 50)


def memory_use(feed: Feed) -> tuple[int, int]:
    """Return the number of events, and of characters of their data, in a feed's memory."""
    events = [event for event in (*feed._reorder_buffer._events.values(), *feed.ring._events) if event]
    return len(feed._reorder_buffer) + len(feed.ring._events), sum(len(event.data) for event in events)


@pytest.mark.parametrize("order", ["one partition after another", "in order"])
async def test_a_start_buffers_no_more_than_the_ring(clock: TestClock, order: str) -> None:
    """For any length of the topic; a subscriber with an older cursor reads the log."""
    log = EventLogStub()
    feed = Feed(log.between, capacity=100)
    partitions = [range(1 + part, 3001, 6) for part in range(6)] if order != "in order" else [range(1, 3001)]
    log.grow(3000)
    for partition in partitions:
        for number in partition:
            feed.handle_record(log.record(number))
            assert memory_use(feed)[0] <= 110
    feed.start()
    assert feed.ring.base is not None
    assert (feed.ring.last, feed.ring.base <= 2901) == (3000, True)
    items = subscriber(feed, log, clock).follow(str(Cursor(log.generation, 1000)))
    await anext(items)
    assert await sequences(items, 3000) == list(range(1001, 3001))


@pytest.mark.parametrize("started", [True, False])
def test_the_characters_in_a_feed_are_limited(started: bool) -> None:
    log = EventLogStub()
    feed = Feed(log.between, max_characters=20_000)
    if started:
        feed.start()
    for number in range(1, 301):
        feed.handle_record(log.write(number))
        assert memory_use(feed)[1] <= 20_000
    feed.start()
    assert feed.ring.last == 300
    assert 10_000 < memory_use(feed)[1] <= 20_000


async def test_the_events_behind_a_gap_are_limited(clock: TestClock) -> None:
    log = EventLogStub()
    feed = Feed(log.between, capacity=100)
    feed.start()
    items = subscriber(feed, log, clock).follow(str(Cursor(log.generation, 0)))
    await anext(items)
    log.grow(3001)
    for partition in (range(3, 3001, 2), range(2, 3001, 2)):
        for number in partition:
            feed.handle_record(log.record(number))
            assert len(feed._reorder_buffer) <= 110
    feed.handle_record(log.record(3001))
    assert await sequences(items, 3001) == list(range(1, 3002))


async def test_a_large_gap_is_not_read_at_once(clock: TestClock) -> None:
    log, reads = EventLogStub(), 0

    async def between(place: Cursor, up_to: int) -> Sequence[OrderEvent]:
        nonlocal reads
        reads += 1
        return await log.between(place, up_to)

    feed, stop, caught_up = Feed(between, capacity=100, gap_timeout_s=0.001), asyncio.Event(), asyncio.Event()
    caught_up.set()
    running = asyncio.create_task(feed.run(caught_up, stop))
    await asyncio.sleep(0)
    feed.handle_record(log.write(1))
    items = subscriber(feed, log, clock).follow(str(Cursor(log.generation, 0)))
    await anext(items)
    log.grow(1000)
    feed.handle_record(log.record(1000))
    assert await sequences(items, 1000) == list(range(1, 1001))
    await until(lambda: asyncio.sleep(0, feed.ring.last), lambda last: last == 1000)
    assert reads == 0
    running.cancel()
