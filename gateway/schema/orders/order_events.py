"""Subscription orderEvents."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from gateway.schema.fields import Info, subscription
from gateway.schema.orders.event_arguments import AFTER, FILTER
from gateway.subscriptions.subscriber import Checkpoint, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.problems import Unauthenticated
from services.chassis.rpc.client import client
from services.contracts.identity.operations import Identity
from services.contracts.orders.event_log import CursorExpired, OrderEvent, OrderEventFilter
from services.contracts.values import Cursor, Refusal


@subscription("OrderEventItem")
async def order_events(
    info: Info,
    after: Annotated[Cursor | None, AFTER] = None,
    filter: Annotated[OrderEventFilter | None, FILTER] = None,
) -> AsyncIterator[OrderEvent | Checkpoint | CursorExpired | Refusal]:
    """Public events from a cursor on (P1): past events first, then live ones, in order, each exactly once.

    The first item is a Checkpoint with the cursor of the start. Another one follows after 30 s without an item, and
    after many events that the filter leaves out. Members see the events of their organisations and sites, partners
    with ``orders:subscribe`` those of their customers, staff all.
    """
    context = info.context
    if context.caller is None:
        raise Unauthenticated
    dependencies = context.dependencies
    headers = await dependencies.tokens.headers()
    stated = await client(Identity, dependencies.services["identity"], headers).access_of(context.caller.subject_id)
    if stated is None:
        raise Unauthenticated
    access = SubscriberAccess(context.caller, stated, dependencies.authenticator, dependencies.clock)
    subscriber = Subscriber(dependencies.feed, context.clients.orders, access, filter or OrderEventFilter())
    async with contextlib.aclosing(subscriber.follow(after)) as items:
        async for item in items:
            yield item
