"""A member's events: the same live as in the log, whatever its grants and its filter (P1, P4)."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.subscriber import Checkpoint, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.auth.tokens import Claims, Verifier
from services.chassis.events import envelope
from services.chassis.events.envelope import RawRecord
from services.chassis.events.event_log import START, Cursor
from services.contracts.declare import event_type_of
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.orders.event_log import EventPage, OrderEvent, OrderEventFilter
from services.contracts.orders.events import OrderMoved, OrderPlaced
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Refusal
from services.orders.app import ORDERS
from tests.gateway.order_events import moved, placed
from tests.gateway.stubs.samples import NOW, ORGANISATION, OTHER_ORGANISATION, site_id
from tests.support.clock import TestClock
from tests.support.fixtures import MakeHarness
from tests.support.hypothesis_profiles import max_examples
from tests.support.service_harness import ServiceHarness

GENERATION = uuid.UUID(int=7)
SITES = [site_id(number) for number in range(1, 16)]
ORGANISATIONS = [ORGANISATION, OTHER_ORGANISATION]
LOGGED: Sequence[OrderPlaced | OrderMoved] = [
    (placed if number % 3 else moved)(number, ORGANISATIONS[number % 2], 1 + number % 15) for number in range(1, 91)
]
"""Events of both organisations at each site: one has changed hands."""

sites = st.lists(st.sampled_from(SITES), min_size=1, max_size=12, unique=True)
grants = st.lists(
    st.builds(
        Grant,
        organisation_id=st.sampled_from(ORGANISATIONS),
        role=st.just(Role.VIEWER),
        site_ids=st.none() | sites,
        until=st.none() | st.sampled_from([NOW.date(), NOW.date().replace(day=1)]),
    ),
    min_size=1,
    max_size=3,
)
filters = st.builds(
    OrderEventFilter,
    types=st.none() | st.just(["orders.order.moved"]) | st.just(["orders.order.moved", "orders.order.placed"]),
    organisation_ids=st.none() | st.lists(st.sampled_from(ORGANISATIONS), min_size=1, max_size=2),
    site_ids=st.none() | sites,
)


class NothingYet:
    """A log without events, so that all of them come from the feed."""

    async def events(self, *_: Any) -> EventPage:
        return EventPage(events=[], cursor=str(Cursor(GENERATION, 0)), end=True)


def record(event: OrderPlaced | OrderMoved, sequence: int) -> RawRecord:
    kind = event_type_of(event).name
    headers = envelope.event_headers(
        uuid.UUID(int=sequence), kind, "orders", event.order_id, NOW, sequence, "", "key", GENERATION
    )
    return envelope.raw_record("topic", 0, sequence, 0, b"key", msgspec.json.encode(event), headers)


def access_of(subject_id: str, granted: list[Grant], clock: TestClock) -> SubscriberAccess:
    async def no_keys() -> str:
        raise AssertionError

    stated = AccessStated(
        subject_id=subject_id, kind=SubjectKind.USER, version=1, active=True, scopes=[], grants=granted
    )
    claims = Claims(
        iss="",
        aud="",
        sub=subject_id,
        client_id="",
        jti="",
        iat=0,
        exp=int(NOW.timestamp()) + 600,
        kind="USER",
        scope="",
    )
    authenticator = Authenticator(Verifier(no_keys, clock), clock)
    return SubscriberAccess(AuthenticatedCaller("token", claims, SubjectKind.USER), stated, authenticator, clock)


async def live(subject_id: str, granted: list[Grant], wanted: OrderEventFilter, clock: TestClock) -> list[int]:
    """Return the sequences that a subscriber gets from the feed, up to the checkpoint behind the last event."""
    log: Any = NothingYet()
    feed = Feed(log.events)
    feed.start()
    subscriber = Subscriber(feed, log, access_of(subject_id, granted, clock), wanted, checkpoint_interval_s=0.01)
    received: list[int] = []
    async with contextlib.aclosing(subscriber.follow(None)) as items, asyncio.timeout(60):
        await anext(items)
        waiting = asyncio.ensure_future(anext(items))
        for sequence, event in enumerate(LOGGED, start=1):
            await asyncio.sleep(0)
            feed.handle_record(record(event, sequence))
        while True:
            item = await waiting
            if isinstance(item, OrderEvent):
                received.append(item.sequence)
            elif isinstance(item, Checkpoint) and Cursor.of(item.cursor).sequence == len(LOGGED):
                return received
            waiting = asyncio.ensure_future(anext(items))


@pytest.fixture
async def logged(make_harness: MakeHarness[Any, Any]) -> ServiceHarness[Any, Any]:
    """Orders with these events in its log."""
    harness: ServiceHarness[Any, Any] = await make_harness(ORDERS)
    async with harness.work() as tx:
        for event in LOGGED:
            tx.emit(event)
    await harness.pool.execute("UPDATE chassis.outbox SET sequence = position")
    await harness.pool.execute("UPDATE chassis.leader SET last_sequence = $1", len(LOGGED))
    return harness


@settings(max_examples=max_examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(granted=grants, wanted=filters)
async def test_a_members_events_are_the_same_live_and_by_page(
    logged: ServiceHarness[Any, Any], clock: TestClock, granted: list[Grant], wanted: OrderEventFilter
) -> None:
    caller = await logged.caller(*granted)
    page = await logged.api(caller).events(START, 500, wanted)
    sequences = await live(caller.subject_id, granted, wanted, clock)
    if isinstance(page, Refusal):
        assert page.problems[0].code == "NOT_FOUND"
    else:
        assert sequences == [event.sequence for event in page.events]
