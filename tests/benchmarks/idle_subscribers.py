"""CPU of a gateway's feed at 200 events a second, with 10,000 subscribers of other organisations and with none.

Each idle subscriber is a member of an organisation of its own. It gets one checkpoint in the time that is measured.
"""

import asyncio
import contextlib
import time
import uuid
from typing import Any

import msgspec
import uvloop

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.subscriber import CHECKPOINT_INTERVAL_S, Checkpoint, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.auth.tokens import Claims, Verifier
from services.chassis.events import envelope
from services.chassis.events.envelope import RawRecord
from services.chassis.events.event_log import Cursor
from services.chassis.ids import new_uuid, write_id
from services.chassis.runtime.clock import SystemClock
from services.contracts.declare import event_type_of
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.orders.event_log import EventPage, OrderEventFilter
from services.contracts.permission import Role, SubjectKind
from tests.benchmarks.commit_to_socket import order_placed

SUBSCRIBERS, EVENTS_PER_S = 10_000, 200
DURATION_S = CHECKPOINT_INTERVAL_S + 1
_GENERATION = new_uuid()


class IdleCost(msgspec.Struct):
    """CPU seconds of a second."""

    idle: float
    """With the idle subscribers."""
    none: float
    """Without a subscriber."""
    checkpoints: int
    """The checkpoints that the idle subscribers got."""


class _EmptyLog:
    async def events(self, *_: Any) -> EventPage:
        return EventPage(events=[], cursor=str(Cursor(_GENERATION, 0)), end=True)


def measure() -> IdleCost:
    """Measure with and without idle subscribers, one after the other."""
    none, _ = uvloop.run(_measure(0))
    idle, checkpoints = uvloop.run(_measure(SUBSCRIBERS))
    return IdleCost(idle, none, checkpoints)


async def _measure(subscribers: int) -> tuple[float, int]:
    """Return the CPU seconds of a second, and the number of checkpoints."""
    clock = SystemClock("Europe/Helsinki")
    log: Any = _EmptyLog()
    feed = Feed(_no_gaps)
    feed.start()
    feed.handle_record(_record(1))
    started = [0]
    checkpoints = [0]

    async def follow(number: int) -> None:
        subscriber = Subscriber(feed, log, _member(number, clock), OrderEventFilter())
        async with contextlib.aclosing(subscriber.follow(None)) as items:
            await anext(items)
            started[0] += 1
            async for item in items:
                assert isinstance(item, Checkpoint), "the events are of others"
                checkpoints[0] += 1

    following = [asyncio.create_task(follow(number)) for number in range(subscribers)]
    while started[0] < subscribers:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    before, began = time.process_time(), time.monotonic()
    sequence = 1
    while (elapsed := time.monotonic() - began) < DURATION_S:
        while sequence < 1 + elapsed * EVENTS_PER_S:
            sequence += 1
            feed.handle_record(_record(sequence))
        await asyncio.sleep(1 / EVENTS_PER_S)
    used = time.process_time() - before
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    return used / DURATION_S, checkpoints[0]


async def _no_gaps(after: Cursor, up_to: int) -> Any:
    raise AssertionError


def _record(sequence: int) -> RawRecord:
    event = order_placed(write_id("order", uuid.UUID(int=sequence)))
    headers = envelope.event_headers(
        uuid.UUID(int=sequence),
        event_type_of(event).name,
        "orders",
        event.order_id,
        SystemClock("Europe/Helsinki").now(),
        sequence,
        "",
        "key",
        _GENERATION,
    )
    return envelope.raw_record("topic", 0, sequence, 0, b"key", msgspec.json.encode(event), headers)


def _member(number: int, clock: SystemClock) -> SubscriberAccess:
    async def no_keys() -> str:
        raise AssertionError

    subject_id = write_id("user", uuid.UUID(int=number))
    organisation_id = write_id("org", uuid.UUID(int=1_000_000 + number))
    claims = Claims(
        iss="",
        aud="",
        sub=subject_id,
        client_id="",
        jti="",
        iat=0,
        exp=int(clock.now().timestamp()) + 3600,
        kind="USER",
        scope="",
    )
    stated = AccessStated(
        subject_id=subject_id,
        kind=SubjectKind.USER,
        version=1,
        active=True,
        scopes=[],
        grants=[Grant(organisation_id=organisation_id, role=Role.VIEWER)],
    )
    authenticator = Authenticator(Verifier(no_keys, clock), clock)
    return SubscriberAccess(AuthenticatedCaller("token", claims, SubjectKind.USER), stated, authenticator, clock)


if __name__ == "__main__":
    print(measure())
