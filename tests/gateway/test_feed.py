"""The feed: gaps, generations, and a limited memory."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.subscriptions.feed import Feed
from gateway.subscriptions.ring_buffer import RingBuffer, data_size
from services.chassis.events.envelope import raw_record
from services.chassis.events.event_log import Cursor
from services.chassis.ids import new_uuid
from services.contracts.orders.event_log import OrderEvent
from tests.gateway.event_log_stub import EventLogStub
from tests.gateway.stubs.samples import NOW
from tests.gateway.subscribers import sequences, subscriber
from tests.support.clock import TestClock
from tests.support.polling import until


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


def test_the_ring_keeps_the_newest() -> None:
    log, ring = EventLogStub(), RingBuffer(capacity=10, max_bytes=1_000_000)
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
    """Return the number of events, and of bytes of their data, in a feed's memory."""
    events = [event for event in (*feed._reorder_buffer._events.values(), *feed.ring._events) if event]
    return len(feed._reorder_buffer) + len(feed.ring._events), sum(data_size(event) for event in events)


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
    feed = Feed(log.between, max_bytes=20_000)
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
