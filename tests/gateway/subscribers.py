"""Subscribers of a feed, and what they receive."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from gateway.authentication import AuthenticatedCaller, Authenticator
from gateway.subscriptions.feed import Feed
from gateway.subscriptions.subscriber import OrderEventItem, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.auth.tokens import Claims, Verifier
from services.chassis.events.event_log import Cursor
from services.contracts.orders.event_log import CursorExpired, OrderEvent, OrderEventFilter
from services.contracts.permission import SubjectKind
from services.contracts.values import Refusal
from tests.gateway.stubs.samples import NOW, PARTNER, partner_access
from tests.support.clock import TestClock


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
    return Subscriber(feed, log, subscriber_access(clock), OrderEventFilter(), checkpoint_interval_s)


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
