"""Misused connections: pipelined, byte by byte, incomplete, and closed early."""

import asyncio
import contextlib

import pytest

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.malformed.bodies import GOOD
from tests.gateway.malformed.raw_http import TIMEOUT_S, connect, exchange, http, post
from tests.gateway.malformed.response_check import check_response

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTIAL_REQUESTS = [
    b"",
    b"P",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-",
    http("POST", "/graphql", "Content-Type: application/json", "Content-Length: 500", body=b'{"query": "{'),
    http("POST", "/graphql", "Content-Type: application/json", "Transfer-Encoding: chunked", body=b"5\r\n{"),
]


async def _check_health(gateway: GatewayFixture) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        assert (await gateway.execute("{ me { username } }", gateway.user()))["data"] == {"me": {"username": "maija"}}


async def test_malformed_and_valid_requests_in_one_packet(gateway: GatewayFixture) -> None:
    """Each is answered, in order."""
    good, broken, not_allowed = post(GOOD), post(b"null"), http("DELETE", "/graphql", "Content-Length: 0")
    responses = await exchange(gateway.url, [(good + broken + not_allowed) * 20], wanted=60)
    assert [one.status for one in responses] == [200, 400, 405] * 20
    assert not any(check_response(one, of=good) for one in responses)


async def test_byte_by_byte(gateway: GatewayFixture) -> None:
    (responses,) = await exchange(gateway.url, [bytes([letter]) for letter in post(GOOD)])
    assert not check_response(responses, of=post(GOOD), expected={200})


async def test_incomplete_requests_block_no_others(gateway: GatewayFixture) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for half in PARTIAL_REQUESTS * 40:
            _, writer = await stack.enter_async_context(connect(gateway.url))
            writer.write(half)
        await _check_health(gateway)
    await _check_health(gateway)


async def test_clients_that_close_before_the_response(gateway: GatewayFixture) -> None:
    for _ in range(100):
        async with connect(gateway.url) as (_, writer):
            writer.write(post(GOOD))
            writer.transport.abort()
    await _check_health(gateway)


async def test_a_client_that_never_reads(gateway: GatewayFixture) -> None:
    """Once responses are unread, its requests are not read either."""
    async with connect(gateway.url) as (_, writer):
        writer.write(post(GOOD) * 20_000)
        await _check_health(gateway)
