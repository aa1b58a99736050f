"""Requests and messages are charged before they are parsed, valid or not, over HTTP and on sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response

from gateway.http.websocket.connection import MAX_UNPAID_MESSAGES
from gateway.rate_limit.base_cost import BYTES_PER_UNIT, REQUEST_UNITS
from services.chassis.ids import new_uuid, write_id
from services.contracts.permission import SubjectKind
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.gateway.malformed.protocol_client import connect_websocket
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUOTA = 20_000
INIT = {"type": "connection_init"}
ME = {"query": "{ me { username } }"}
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
IDS = b'{"query": "query ($x: [ID!]!) { nodes(ids: $x) { id } }", "variables": {"x": [%b, []]}}' % b",".join(
    [b"1"] * 900
)
MALFORMED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "no JSON": ("POST", "/graphql", {"data": b"{" * 2_000, "headers": JSON}),
    "no request": ("POST", "/graphql", {"data": b'{"query": %b}' % (b"1" * 2_000), "headers": JSON}),
    "a variable that is none": ("POST", "/graphql", {"data": IDS, "headers": JSON}),
    "no operation": ("POST", "/graphql", {"data": b'{"query": "{"}', "headers": JSON}),
    "an unknown document": ("POST", "/graphql", {"json": {"documentId": "sha256:" + "0" * 64}}),
    "a token that is none": ("POST", "/graphql", {"json": ME, "headers": {"Authorization": "Bearer x.y.z"}}),
    "a query that is none": ("GET", "/graphql?query=%ff", {}),
    "variables that are none": ("GET", "/graphql?query=%7B__typename%7D&variables=" + "1" * 2_000, {}),
    "credentials that are none": ("POST", "/auth/session", {"data": b"{" * 9_000, "headers": JSON}),
    "a form that is none": ("POST", "/auth/token", {"data": b"x" * 9_000, "headers": FORM}),
    "a token that is none for a file": ("POST", "/files/sites/x", {"headers": {"Authorization": "Bearer x.y.z"}}),
    "a token that is none for the schema": ("GET", "/schema.json", {"headers": {"Authorization": "Bearer x.y.z"}}),
}
FLOODS: dict[str, Any] = {
    "pings": {"type": "ping"},
    "pongs": {"type": "pong"},
    "ends of what never began": {"type": "complete", "id": "1"},
    "operations that are not valid": {"type": "subscribe", "id": "%", "payload": {"query": "{"}},
    "tiny operations": {"type": "subscribe", "id": "%", "payload": {"query": "{ __typename }"}},
    "unknown documents": {"type": "subscribe", "id": "%", "payload": {"documentId": "sha256:" + "0" * 64}},
}
"""Messages of a flood on an acknowledged socket, each with its own id."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def zero_quota_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with quotas below the cost of the smallest request."""
    quotas = dict.fromkeys(("stranger", "user", "staff", "partner"), REQUEST_UNITS - 1)
    async with run_gateway(server_addresses, quotas=quotas) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def low_quota_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with low quotas; a test sets the address of its callers."""
    quotas = dict.fromkeys(("stranger", "user", "staff", "partner"), QUOTA)
    async with run_gateway(server_addresses, quotas=quotas, trusted_proxies=["127.0.0.0/8"]) as gateway:
        yield gateway


def from_address(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"192.0.2.{number}"}


def flood(message: dict[str, Any]) -> bytes:
    """Encode more messages than the quotas of two minutes pay for, in one write: a minute may end meanwhile."""
    texts = (json.dumps(message).replace("%", str(number)) for number in range(3 * QUOTA // REQUEST_UNITS))
    return b"".join(Frame(Opcode.TEXT, text.encode()).serialize(mask=True) for text in texts)


async def flood_outcome(
    connection: ClientConnection, message: dict[str, Any]
) -> tuple[list[dict[str, Any]], ConnectionClosed]:
    """Return the messages that answer a flood, and the close of the socket."""
    connection.transport.write(flood(message))
    answers: list[dict[str, Any]] = []
    with pytest.raises(ConnectionClosed) as closed:
        async with asyncio.timeout(60):
            while True:
                answers.append(json.loads(await connection.recv()))
    return answers, closed.value


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_request_is_charged_before_it_is_parsed(
    zero_quota_gateway: GatewayFixture, case: str
) -> None:
    method, path, more = MALFORMED[case]
    async with zero_quota_gateway.session.request(method, f"{zero_quota_gateway.url}{path}", **more) as response:
        assert response.status == 429, await response.text()
        assert len(response.headers.getall("RateLimit", [])) <= 1


@pytest.mark.parametrize(("number", "case"), [(1, "credentials that are none"), (2, "a form that is none")])
async def test_a_body_is_charged_by_its_bytes(low_quota_gateway: GatewayFixture, number: int, case: str) -> None:
    method, path, more = MALFORMED[case]
    headers = more.get("headers", {}) | from_address(number)
    for _ in range(3 * QUOTA // (len(more["data"]) // BYTES_PER_UNIT)):
        async with low_quota_gateway.session.request(
            method, f"{low_quota_gateway.url}{path}", **{**more, "headers": headers}
        ) as response:
            if response.status == 429:
                assert len(response.headers.getall("RateLimit")) == 1
                return
    raise AssertionError("it went on and on")


@pytest.mark.parametrize("case", FLOODS)
async def test_a_flood_on_a_socket_is_charged_to_its_caller_and_closed(
    low_quota_gateway: GatewayFixture, case: str
) -> None:
    token = low_quota_gateway.services.identity.token(write_id("user", new_uuid()), SubjectKind.USER)
    async with connect_websocket(low_quota_gateway.url, **from_address(10)) as connection:
        await connection.send(json.dumps({**INIT, "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        answers, closed = await flood_outcome(connection, FLOODS[case])
    assert closed.rcvd is not None
    assert closed.rcvd.code == 4429
    assert closed.rcvd.reason.startswith("RATE_LIMITED ")
    assert int(closed.rcvd.reason.split()[1]) > 0
    assert sum(one["type"] in ("pong", "error", "next") for one in answers) <= 2 * (
        QUOTA // REQUEST_UNITS + MAX_UNPAID_MESSAGES
    )
    codes = {error["extensions"]["code"] for one in answers if one["type"] == "error" for error in one["payload"]}
    assert ("RATE_LIMITED" in codes) == (FLOODS[case]["type"] == "subscribe")


async def test_a_large_message_beyond_the_quota_is_not_decoded(low_quota_gateway: GatewayFixture) -> None:
    token = low_quota_gateway.services.identity.token(write_id("user", new_uuid()), SubjectKind.USER)
    async with connect_websocket(low_quota_gateway.url, **from_address(11)) as connection:
        await connection.send(json.dumps({**INIT, "payload": {"Authorization": f"Bearer {token}"}}))
        await connection.recv()
        await connection.send("[" * QUOTA * BYTES_PER_UNIT)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4429, "not 4400"


async def test_anonymous_requests_are_charged_by_address(low_quota_gateway: GatewayFixture) -> None:
    response = await exhaust_quota(low_quota_gateway, 12)
    assert json.loads(response.body)["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    async with connect_websocket(low_quota_gateway.url, **from_address(13)) as connection:
        await connection.send(json.dumps(INIT))
        assert json.loads(await connection.recv())["type"] == "connection_ack", "others are not meant"
    headers = {"Authorization": f"Bearer {low_quota_gateway.user()}", **from_address(12)}
    async with low_quota_gateway.session.post(f"{low_quota_gateway.url}/graphql", json=ME, headers=headers) as answer:
        assert answer.status == 200, "nor who signed in behind the same address"


async def exhaust_quota(gateway: GatewayFixture, number: int) -> Response:
    """Spend an address's quota, and return the refusal of a handshake whose wait is longer than the rest of a test."""
    while True:
        try:
            async with connect_websocket(gateway.url, **from_address(number)) as connection:
                _, closed = await flood_outcome(connection, {"type": "ping"})
                assert closed.rcvd is not None
                assert closed.rcvd.code == 4429
        except InvalidStatus as refused:
            if int(refused.response.headers["Retry-After"]) > 5:
                assert refused.response.status_code == 429
                return refused.response


async def test_handshakes_are_charged(low_quota_gateway: GatewayFixture) -> None:
    with pytest.raises(InvalidStatus) as refused:
        for _ in range(3 * QUOTA // REQUEST_UNITS):
            async with connect_websocket(low_quota_gateway.url, **from_address(14)):
                pass
    assert refused.value.response.status_code == 429
