"""Subscription orderEvents."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from gateway.schema.fields import Info, subscription
from gateway.schema.orders.event_arguments import AFTER, ORGANISATION, TYPES
from gateway.subscriptions.subscriber import Checkpoint, EventFilter, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.problems import Forbidden, Unauthenticated
from services.chassis.rpc.client import client
from services.contracts.identity.operations import Identity
from services.contracts.orders.event_log import CursorExpired, OrderEvent
from services.contracts.permission import SubjectKind
from services.contracts.values import Cursor, Doc, Id, Refusal


@subscription("OrderEventItem")
async def order_events(
    info: Info,
    after: Annotated[Cursor | None, AFTER] = None,
    types: Annotated[list[str] | None, TYPES] = None,
    organisation_id: Annotated[Id | None, ORGANISATION] = None,
    site_id: Annotated[Id | None, Doc("Events of this site alone; None: of all sites.")] = None,
) -> AsyncIterator[OrderEvent | Checkpoint | CursorExpired | Refusal]:
    """Public events from a cursor on (P1): past events first, then live ones, in order, each exactly once.

    The first item is a Checkpoint with the cursor of the start. Another one follows after 30 s without an item, and
    after many events that the filter leaves out. Partners with ``orders:subscribe``, and staff.
    """
    context = info.context
    if context.caller is None:
        raise Unauthenticated
    if context.caller.kind is SubjectKind.USER:
        raise Forbidden
    dependencies = context.dependencies
    headers = await dependencies.tokens.headers()
    stated = await client(Identity, dependencies.services["identity"], headers).access_of(context.caller.subject_id)
    if stated is None:
        raise Unauthenticated
    access = SubscriberAccess(context.caller, stated, dependencies.authenticator, dependencies.clock)
    subscriber = Subscriber(
        dependencies.feed, context.clients.orders, access, EventFilter(types, organisation_id, site_id)
    )
    async with contextlib.aclosing(subscriber.follow(after)) as items:
        async for item in items:
            yield item
