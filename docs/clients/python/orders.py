"""Orders with a generated client: a refusal, a conflict, a state that is new, and events across lost connections."""

import asyncio
import contextlib
import datetime as dt
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from kierto_graph import KiertoClient, OrderExtraPickupInput, OrderState, RevokePartnerInput
from kierto_graph.exceptions import GraphQLClientError
from kierto_graph.order_events import (
    OrderEventsOrderEventsCheckpoint,
    OrderEventsOrderEventsCursorExpired,
    OrderEventsOrderEventsRefusal,
)
from kierto_graph.order_extra_pickup import OrderExtraPickupOrderExtraPickupOrdered
from kierto_graph.revoke_partner import RevokePartnerRevokePartnerConflict, RevokePartnerRevokePartnerRefusal
from pydantic import BaseModel
from websockets.exceptions import WebSocketException

LONGEST_WAIT_S = 30.0

TEXTS = {
    OrderState.RECEIVED: "Received",
    OrderState.CONFIRMED: "Confirmed",
    OrderState.COMPLETED: "Completed",
    OrderState.UNKNOWN: "Unknown",
}
"""Texts of the states that a client shows; UNKNOWN is one that was added to the graph later."""


class Refused(Exception):
    """The call was refused, for reasons that are sentences for the user."""


class CursorStore(Protocol):
    """Keeps the last cursor: in the transaction that stores what an event did, for effects that are made once."""

    async def load(self) -> str | None:
        """Return the cursor; None before the first one."""
        ...

    async def save(self, cursor: str) -> None:
        """Replace the cursor."""
        ...


def client_for(url: str, token: str) -> KiertoClient:
    """Return a client of the graph at an address (``https://.../graphql``)."""
    authorization = {"Authorization": f"Bearer {token}"}
    socket_url = url.replace("http", "ws", 1)
    return KiertoClient(url, authorization, ws_url=socket_url, ws_connection_init_payload=authorization)


async def order_extra_pickup(client: KiertoClient, agreement_id: str, day: dt.date, key: str) -> str:
    """Order an extra pickup and return the order's number; the same key again is the same order."""
    command = OrderExtraPickupInput(agreementId=agreement_id, date=day, idempotencyKey=key)
    result = (await client.order_extra_pickup(command)).order_extra_pickup
    if isinstance(result, OrderExtraPickupOrderExtraPickupOrdered):
        return result.order.number
    problems = result.problems if result else []
    # A form shows each message beside its input: the path ["input", "date"] names it.
    raise Refused(" ".join(f"{'.'.join(problem.path)}: {problem.message}" for problem in problems))


async def revoke_partner(client: KiertoClient, partner_id: str, version: int) -> bool:
    """Revoke a partner as it was read; return False if someone else has changed it since."""
    result = (await client.revoke_partner(RevokePartnerInput(id=partner_id, version=version))).revoke_partner
    if isinstance(result, RevokePartnerRevokePartnerConflict):
        return False
    if isinstance(result, RevokePartnerRevokePartnerRefusal):
        raise Refused(" ".join(problem.message for problem in result.problems))
    return result is not None


async def newest_orders(client: KiertoClient) -> list[str]:
    """List the newest orders as lines of text."""
    orders = (await client.my_orders(first=20)).orders
    nodes = [edge.node for edge in orders.edges] if orders else []
    return [f"{node.number}: {TEXTS.get(node.state, TEXTS[OrderState.UNKNOWN])}" for node in nodes]


async def follow_order_events(
    connect: Callable[[], Awaitable[KiertoClient]],
    cursors: CursorStore,
    handle: Callable[[BaseModel], Awaitable[None]],
) -> None:
    """Follow the events of orders for ever: each exactly once, in order, across lost connections and restarts."""
    wait_s = 1.0
    while True:
        with contextlib.suppress(OSError, WebSocketException, GraphQLClientError):
            if await _follow_once(await connect(), cursors, handle):
                wait_s = 1.0
        await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


async def _follow_once(
    client: KiertoClient, cursors: CursorStore, handle: Callable[[BaseModel], Awaitable[None]]
) -> bool:
    """Follow the events over one connection, from the last cursor on; return whether one came."""
    came = False
    async for message in client.order_events(after=await cursors.load()):
        item = message.order_events
        if isinstance(item, OrderEventsOrderEventsRefusal):
            raise Refused(" ".join(problem.message for problem in item.problems))
        if isinstance(item, OrderEventsOrderEventsCursorExpired):
            # The log begins later than the cursor: what was missed is read with queries, then the log from its start.
            await cursors.save(item.start)
            return came
        if not isinstance(item, OrderEventsOrderEventsCheckpoint):
            await handle(item)
        await cursors.save(item.cursor)
        came = True
    return came
