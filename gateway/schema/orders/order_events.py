"""Public events as they happen."""

import contextlib
from collections.abc import AsyncIterator

from gateway.schema.fields import Info, subscription
from gateway.subscriptions.subscriber import Checkpoint, EventFilter, Subscriber
from gateway.subscriptions.subscriber_access import SubscriberAccess
from services.chassis.problems import Unauthenticated
from services.chassis.rpc.client import client
from services.contracts.identity import Identity, SubjectKind
from services.contracts.orders import CursorExpired, OrderEvent
from services.contracts.values import Id, Refusal, refuse


@subscription("OrderEventItem")
async def order_events(
    info: Info,
    after: str | None = None,
    types: list[str] | None = None,
    organisation_id: Id | None = None,
    site_id: Id | None = None,
) -> AsyncIterator[OrderEvent | Checkpoint | CursorExpired | Refusal]:
    """Events from a cursor on (P1): past ones first, then live, in order, nothing left out, nothing twice.

    ``after``: a cursor, START for the whole log, or null for from now on. The first item is a Checkpoint with the
    cursor where it begins; another comes at least every 30 s, and after many events that are not for the subscriber.
    Partners with ``orders:subscribe``, and staff.
    """
    context = info.context
    if context.caller is None:
        raise Unauthenticated
    if context.caller.kind is SubjectKind.USER:
        yield refuse("FORBIDDEN")
        return
    base = context.dependencies
    headers = await base.tokens.headers()
    stated = await client(Identity, base.services["identity"], headers).access_of(context.caller.subject_id)
    if stated is None:
        raise Unauthenticated
    audience = SubscriberAccess(context.caller, stated, base.authenticator, base.clock)
    wanted = EventFilter(types, organisation_id, site_id)
    async with contextlib.aclosing(Subscriber(base.feed, context.orders, audience, wanted).follow(after)) as items:
        async for item in items:
            yield item
