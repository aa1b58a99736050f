"""The permissions of the subscription: the callers that get an organisation's events, live and from the log."""

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from services.contracts.permission import SubjectKind
from tests.gateway.gateway_fixture import EVENTS, PROTOCOL, GatewayFixture
from tests.gateway.order_events import placed
from tests.gateway.stubs.samples import (
    ORGANISATION,
    OTHER_ORGANISATION,
    PARTNER,
    USER,
    member_access,
    order_id,
    partner_access,
    site_id,
)
from tests.gateway.test_order_events import next_sequence

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT, NOTHING, REFUSED, ERROR, CLOSED = "the event", "nothing", "FORBIDDEN", "UNAUTHENTICATED", "4403"
NOTHING_S = 0.7
"""The wait for the absence of an event; an expected event has no such limit."""
Token = Callable[[GatewayFixture], str | None]


def partner_of(*organisations: str | None, scope: str = "orders:subscribe") -> Token:
    """Return a partner's token, after setting its organisations at identity."""

    def token(gateway: GatewayFixture) -> str:
        known = gateway.services.identity.access.get(PARTNER)
        version = known.version + 1 if known else 1
        gateway.services.identity.access[PARTNER] = partner_access(*organisations, version=version)
        return gateway.partner(scope=scope)

    return token


def member_of(organisation: str = ORGANISATION, sites: list[str] | None = None) -> Token:
    """Return a member's token, after setting its access at identity."""

    def token(gateway: GatewayFixture) -> str:
        gateway.services.identity.access[USER] = member_access(organisation=organisation, sites=sites)
        return gateway.user()

    return token


MATRIX: list[tuple[str, Token, str]] = [
    ("anonymous", lambda gateway: None, ERROR),
    ("an expired token", lambda gateway: gateway.partner(valid_for=dt.timedelta(seconds=-1)), CLOSED),
    ("a token that is none", lambda gateway: "no.such.token", CLOSED),
    ("a member of the organisation", member_of(), EVENT),
    ("a member of the site", member_of(sites=[site_id(1)]), EVENT),
    ("a member of another site", member_of(sites=[site_id(2)]), NOTHING),
    ("a member of another organisation", member_of(organisation=OTHER_ORGANISATION), NOTHING),
    ("a partner without the scope", partner_of(ORGANISATION, scope="orders:read"), REFUSED),
    ("a partner with an empty list", partner_of(), NOTHING),
    ("a partner of another organisation", partner_of(OTHER_ORGANISATION), NOTHING),
    ("a partner of the organisation", partner_of(ORGANISATION), EVENT),
    ("a partner with the mark for all", partner_of(None), EVENT),
    (
        "a service's token, out here",
        lambda gateway: gateway.services.identity.token("service:x", SubjectKind.SERVICE),
        CLOSED,
    ),
]


@pytest.mark.parametrize("after", [None, "START"], ids=["live", "replayed"])
@pytest.mark.parametrize(("who", "token", "outcome"), MATRIX, ids=[who for who, _, _ in MATRIX])
async def test_permissions(gateway: GatewayFixture, who: str, token: Token, outcome: str, after: str | None) -> None:
    presented = token(gateway)
    number = gateway.services.orders.last + 5000
    if after is not None:
        await gateway.publish(placed(number), next_sequence(gateway))
    async with gateway.session.ws_connect(f"{gateway.url}/graphql", protocols=[PROTOCOL]) as connection:
        authorization = {"Authorization": f"Bearer {presented}"} if presented else {}
        await connection.send_json({"type": "connection_init", "payload": authorization})
        query = {"query": EVENTS, "variables": {"after": after}}
        first = await connection.receive(timeout=60)
        if first.type is not aiohttp.WSMsgType.TEXT:
            assert str(connection.close_code) == outcome, who
            return
        await connection.send_json({"id": "1", "type": "subscribe", "payload": query})
        if after is None:
            first_item = await connection.receive_json(timeout=60)
            if (got := _outcome(first_item, number)) is None:
                await gateway.publish(placed(number), next_sequence(gateway))
            else:
                assert got == outcome, who
                return
        assert await _await_outcome(connection, number, NOTHING_S if outcome == NOTHING else 60) == outcome, who


async def _await_outcome(connection: "aiohttp.ClientWebSocketResponse[bool]", number: int, within: float) -> str:
    """Wait for an order's event, and return the outcome."""
    with contextlib.suppress(TimeoutError):
        while True:
            outcome = _outcome(await connection.receive_json(timeout=within), number)
            if outcome is not None:
                return outcome
    return NOTHING


def _outcome(message: dict[str, Any], number: int) -> str | None:
    """Return the outcome that a message decides, if any."""
    payload = message["payload"]
    errors = payload if message["type"] == "error" else payload.get("errors")
    if errors:
        return str(errors[0]["extensions"]["code"])
    item = payload["data"]["orderEvents"]
    return EVENT if item.get("subject") == order_id(number) else None
