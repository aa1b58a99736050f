"""The feed and its subscribers by themselves: any order of arrival, any pace, any hole."""

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access import Access, Caller
from gateway.subscriptions.audience import Audience
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.ring import Ring
from gateway.subscriptions.subscriber import Checkpoint, Item, Subscriber, Wanted
from services.chassis import envelope
from services.chassis.envelope import Raw
from services.chassis.ids import new_uuid
from services.chassis.log import Cursor
from services.chassis.rpc.client import CallFailed
from services.chassis.tokens import Claims, Verifier
from services.contracts.identity import Grant, SubjectKind
from services.contracts.orders import CursorExpired, EventPage, OrderEvent
from services.contracts.values import Refusal
from tests.gateway.actors import NOW, PARTNER, OrdersActor, partner_access
from tests.gateway.order_events import placed
from tests.support.clock import TestClock


class Log(OrdersActor):
    """Orders' log, which may be away for a number of calls, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.failures = 0

    async def events(self, *given: Any, **named: Any) -> EventPage | CursorExpired | Refusal:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise CallFailed("orders", 503, "UNAVAILABLE", [])
        return await super().events(*given, **named)

    async def between(self, after: int, up_to: int) -> Sequence[OrderEvent]:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise CallFailed("orders", 503, "UNAVAILABLE", [])
        return [event for event in self.log if after < event.sequence <= up_to]

    def write(self, sequence: int) -> Raw:
        """An event in the log; its record."""
        headers = envelope.headers(
            new_uuid(),
            "orders.order.placed",
            "orders",
            placed(sequence).order_id,
            NOW,
            sequence,
            "",
            "key",
            self.generation,
        )
        value = placed_json(sequence)
        record = envelope.raw("topic", 0, sequence, b"key", value, headers)
        received = envelope.understand(record)
        assert received is not None
        self.log.append(
            OrderEvent(
                id=str(received.id),
                cursor=str(Cursor(self.generation, sequence)),
                sequence=sequence,
                type="orders.order.placed",
                time=NOW,
                subject=received.subject,
                organisation_id=received.organisation_id,
                data=value.decode(),
            )
        )
        self.last = sequence
        return record


def placed_json(number: int) -> bytes:
    return msgspec.json.encode(placed(number))


def audience(clock: TestClock) -> Audience:
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
    access = Access(Verifier(no_keys, clock), clock)
    return Audience(Caller("token", claims, SubjectKind.PARTNER), partner_access(None), access, clock)


def subscriber(feed: Feed, log: Any, clock: TestClock, checkpoint_s: float = 30) -> Subscriber:
    return Subscriber(feed, log, audience(clock), Wanted(), checkpoint_s)


async def sequences(items: AsyncIterator[Item], count: int, pace_s: float = 0) -> list[int]:
    """The sequences of the next events."""
    found: list[int] = []
    async with asyncio.timeout(10):
        async for item in items:
            if isinstance(item, OrderEvent):
                found.append(item.sequence)
            await asyncio.sleep(pace_s)
            if len(found) == count:
                break
    return found


@settings(max_examples=30, deadline=None)
@given(
    total=st.integers(1, 120),
    capacity=st.integers(1, 40),
    seed=st.integers(0, 10_000),
    lost=st.floats(0, 0.3),
    failures=st.integers(0, 3),
    start=st.one_of(st.none(), st.just("START"), st.integers(0, 60)),
)
async def test_every_event_once_and_in_order(
    total: int, capacity: int, seed: int, lost: float, failures: int, start: int | str | None
) -> None:
    """However records arrive, whatever is lost on the way, and at whatever pace subscribers pull."""
    chance, clock, log = random.Random(seed), TestClock(NOW), Log()
    feed = Feed(log.between, capacity, patience_s=0.002)
    stop, caught_up = asyncio.Event(), asyncio.Event()
    before = chance.randrange(total + 1)
    early = [log.write(number) for number in range(1, before + 1)]
    for record in chance.sample(early, len(early)):
        if chance.random() >= lost:
            feed.take(record)
    caught_up.set()
    running = asyncio.create_task(feed.run(caught_up, stop))
    after = str(Cursor(log.generation, min(start, before))) if isinstance(start, int) else start
    first = {None: before, "START": 0}.get(after, min(start, before) if isinstance(start, int) else 0)
    expected = list(range(first + 1, total + 2))
    items = subscriber(feed, log, clock).follow(after)
    assert isinstance(await anext(items), Checkpoint)
    reading = asyncio.create_task(sequences(items, len(expected)))
    log.failures = failures
    late = [log.write(number) for number in range(before + 1, total + 1)]
    for record in chance.sample(late, len(late)):
        if chance.random() >= lost:
            feed.take(record)
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    feed.take(log.write(total + 1))
    assert await reading == expected
    running.cancel()


async def test_a_slow_subscriber_holds_nobody_up_and_misses_nothing() -> None:
    clock, log = TestClock(NOW), Log()
    feed = Feed(log.between, capacity=20)
    feed.start()
    slow, quick = (subscriber(feed, log, clock).follow(None) for _ in range(2))
    await anext(slow)
    await anext(quick)
    reading = asyncio.create_task(sequences(slow, 200, pace_s=0.001))
    keeping_up = asyncio.create_task(sequences(quick, 200))
    for number in range(1, 201):
        feed.take(log.write(number))
        await asyncio.sleep(0)
    assert await keeping_up == list(range(1, 201))
    assert not reading.done()
    assert await reading == list(range(1, 201))


async def test_a_subscriber_inside_the_ring_asks_the_log_nothing() -> None:
    clock, log = TestClock(NOW), Log()
    feed = Feed(log.between)
    feed.start()
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    for number in range(1, 101):
        feed.take(log.write(number))
    assert await sequences(items, 100) == list(range(1, 101))
    assert log.calls == 1


async def test_a_hole_is_filled_once_for_all_subscribers() -> None:
    clock, log = TestClock(NOW), Log()
    feed, stop, caught_up = Feed(log.between), asyncio.Event(), asyncio.Event()
    caught_up.set()
    running = asyncio.create_task(feed.run(caught_up, stop))
    await asyncio.sleep(0)
    followed = [subscriber(feed, log, clock).follow(None) for _ in range(5)]
    for items in followed:
        await anext(items)
    feed.take(log.write(1))
    log.write(2)
    feed.take(log.write(3))
    assert [await sequences(items, 3) for items in followed] == [[1, 2, 3]] * 5
    assert log.calls == 5 + 1
    stop.set()
    await running


async def test_a_record_that_this_build_cannot_read_is_left_to_the_log() -> None:
    log = Log()
    feed = Feed(log.between)
    feed.start()
    known = log.write(1)
    unknown = Raw("topic", 0, 1, None, b"{}", {**known.headers, "ce_type": "orders.order.teleported"})
    broken = Raw("topic", 0, 1, None, b"{}", dict(known.headers))
    nonsense = Raw("topic", 0, 1, None, b"{}", {})
    for record in (unknown, broken, nonsense):
        feed.take(record)
    assert feed.ring.last == 0
    feed.take(known)
    assert feed.ring.last == 1


async def test_a_subscription_waits_for_orders_to_be_back() -> None:
    clock, log = TestClock(NOW), Log()
    feed = Feed(log.between)
    for number in range(1, 4):
        log.write(number)
    feed.take(log.write(4))
    feed.start()
    log.log, held = log.log[:1], log.log
    log.last = 1
    items = subscriber(feed, log, clock).follow("START")
    await anext(items)
    log.log, log.last, log.failures = held, 4, 1
    assert await sequences(items, 4) == [1, 2, 3, 4]


async def test_a_refusal_of_orders_ends_the_subscription() -> None:
    class Refusing(Log):
        async def events(self, *given: Any, **named: Any) -> EventPage | CursorExpired | Refusal:
            raise CallFailed("orders", 403, "FORBIDDEN", [])

    with pytest.raises(CallFailed):
        await anext(subscriber(Feed(Log().between), Refusing(), TestClock(NOW)).follow(None))


async def test_a_log_that_was_restored_is_told_to_those_who_are_behind() -> None:
    clock, log = TestClock(NOW), Log()
    feed = Feed(log.between)
    feed.take(log.write(1))
    feed.start()
    items = subscriber(feed, log, clock).follow(None)
    await anext(items)
    log.generation = new_uuid()
    feed.ring.begin(10)
    assert isinstance(await anext(items), CursorExpired)
    with pytest.raises(StopAsyncIteration):
        await anext(items)


async def test_a_checkpoint_comes_though_nothing_matches() -> None:
    clock, log = TestClock(NOW), Log()
    feed = Feed(log.between)
    feed.start()
    items = Subscriber(feed, log, audience(clock), Wanted(types=["nothing"]), checkpoint_s=0.05).follow(None)
    assert await anext(items) == Checkpoint(cursor=str(Cursor(log.generation, 0)))
    feed.take(log.write(1))
    assert await anext(items) == Checkpoint(cursor=str(Cursor(log.generation, 1)))
    assert await anext(items) == Checkpoint(cursor=str(Cursor(log.generation, 1)))


async def test_a_grant_ends_with_its_last_day() -> None:
    clock, log = TestClock(NOW), Log()
    stated = partner_access(None)
    until = msgspec.structs.replace(stated, grants=[Grant(organisation_id=None, until=dt.date(2026, 3, 4))])
    caller = audience(clock).caller
    watching = Audience(caller, until, audience(clock)._access, clock)
    log.write(1)
    assert watching.may_see(log.log[0])
    clock.move(hours=14)
    assert not watching.may_see(log.log[0])


def test_the_ring_keeps_the_newest() -> None:
    log, ring = Log(), Ring(capacity=10)
    assert ring.holds(0) and ring.behind(5, 10) == ([], 5)
    ring.begin(0)
    for number in range(1, 31):
        log.write(number)
        ring.add(log.log[-1])
    assert ring.base is not None and 18 <= ring.base <= 20
    assert not ring.holds(ring.base - 1) and ring.holds(ring.base)
    events, position = ring.behind(25, 3)
    assert ([event.sequence for event in events], position) == ([26, 27, 28], 28)
    ring.cover(40)
    assert ring.behind(28, 10)[1] == 40
    assert ring.behind(50, 10) == ([], 50)
