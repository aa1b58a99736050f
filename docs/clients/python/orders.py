"""Orders with a generated client: a refusal, a conflict, a state that is new, and events across lost connections."""

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

import httpx
from kierto_graph import KiertoClient, OrderExtraPickupInput, OrderState, RevokePartnerInput, SignInInput
from kierto_graph.exceptions import GraphQLClientError
from kierto_graph.order_events import (
    OrderEvents,
    OrderEventsOrderEventsCheckpoint,
    OrderEventsOrderEventsCursorExpired,
    OrderEventsOrderEventsRefusal,
)
from kierto_graph.order_extra_pickup import OrderExtraPickupOrderExtraPickupOrdered
from kierto_graph.revoke_partner import RevokePartnerRevokePartnerConflict, RevokePartnerRevokePartnerRefusal
from kierto_graph.sign_in import SignInSignInSignedIn
from pydantic import BaseModel
from websockets.exceptions import WebSocketException

LONGEST_WAIT_S = 30.0
CONNECTION_LOST = (OSError, WebSocketException, httpx.TransportError, GraphQLClientError)
"""The exceptions after which a subscription connects again. A TimeoutError is an OSError."""

TEXTS = {
    OrderState.RECEIVED: "Received",
    OrderState.CONFIRMED: "Confirmed",
    OrderState.COMPLETED: "Completed",
    OrderState.UNKNOWN: "Unknown",
}
"""Texts of the states that a client shows; UNKNOWN is one that was added to the graph later."""


class Reason(Protocol):
    """A reason why nothing was changed. ``code`` is stable, ``message`` is a whole sentence for the user."""

    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...


class Refused(Exception):
    """The call was refused: ``problems`` say why."""

    def __init__(self, problems: Sequence[Reason]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems

    def by_input(self) -> dict[str, str]:
        """Return the messages by the input that each is about (``input.date``); "" for those about none."""
        return {".".join(getattr(problem, "path", ())): problem.message for problem in self.problems}


class CursorStore(Protocol):
    """Keeps the last cursor: in the transaction that stores what an event did, for effects that are made once."""

    async def load(self) -> str | None:
        """Return the cursor; None before the first one."""
        ...

    async def save(self, cursor: str) -> None:
        """Replace the cursor."""
        ...


def client_for(url: str, token: str) -> KiertoClient:
    """Return a client of the graph at an address (``https://.../graphql``), to be used with ``async with``."""
    authorization = {"Authorization": f"Bearer {token}"}
    socket_url = url.replace("http", "ws", 1)
    return KiertoClient(url, authorization, ws_url=socket_url, ws_connection_init_payload=authorization)


async def sign_in(url: str, username: str, password: str) -> KiertoClient:
    """Return a client that is signed in; raise Refused if the username or the password is wrong."""
    async with KiertoClient(url) as anonymous:
        result = (await anonymous.sign_in(SignInInput(username=username, password=password))).sign_in
    if isinstance(result, SignInSignInSignedIn):
        return client_for(url, result.access_token)
    raise Refused(result.problems if result else [])


async def order_extra_pickup(client: KiertoClient, agreement_id: str, day: dt.date, key: str) -> str:
    """Order an extra pickup and return the order's number; the same key again is the same order."""
    command = OrderExtraPickupInput(agreementId=agreement_id, date=day, idempotencyKey=key)
    result = (await client.order_extra_pickup(command)).order_extra_pickup
    if isinstance(result, OrderExtraPickupOrderExtraPickupOrdered):
        return result.order.number
    raise Refused(result.problems if result else [])


async def revoke_partner(client: KiertoClient, partner_id: str, version: int) -> bool:
    """Revoke a partner as it was read; return False if someone else has changed it since."""
    result = (await client.revoke_partner(RevokePartnerInput(id=partner_id, version=version))).revoke_partner
    if isinstance(result, RevokePartnerRevokePartnerConflict):
        return False
    if isinstance(result, RevokePartnerRevokePartnerRefusal):
        raise Refused(result.problems)
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
    lost: Callable[[Exception], None] = lambda _: None,
) -> None:
    """Follow the events of orders for ever: each exactly once, in order, across lost connections and restarts.

    ``connect`` returns a client whose token is valid now: it is called before each connection. Exceptions of ``handle``
    and of the store end the following, and so does a refusal; ``lost`` gets the reason why a connection ended.
    """
    wait_s = 1.0
    while True:
        async for message in _messages_of_one_connection(connect, await cursors.load(), lost):
            wait_s = 1.0
            item = message.order_events
            if isinstance(item, OrderEventsOrderEventsRefusal):
                raise Refused(item.problems)
            if isinstance(item, OrderEventsOrderEventsCursorExpired):
                # The log begins later than the cursor: queries read what was missed, then its start is the cursor.
                await cursors.save(item.start)
                continue
            if not isinstance(item, OrderEventsOrderEventsCheckpoint):
                await handle(item)
            await cursors.save(item.cursor)
        await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


async def _messages_of_one_connection(
    connect: Callable[[], Awaitable[KiertoClient]], after: str | None, lost: Callable[[Exception], None]
) -> AsyncIterator[OrderEvents]:
    """Yield the messages after a cursor until the connection ends, for whatever reason but a refusal to sign in."""
    try:
        async with await connect() as client:
            async for message in client.order_events(after=after):
                yield message
    except CONNECTION_LOST as error:
        lost(error)
