"""In production the gateway answers for its own hosts only, with HTTP Strict Transport Security."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from services.chassis.runtime.settings import Environment
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY = b'{"query": "{ me { id } }"}'
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: " + "A" * 22 + "==",
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def production_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    async with run_gateway(server_addresses, env=Environment.PRODUCTION, hosts=["api.example"]) as gateway:
        yield gateway


async def head_of_answer(gateway: GatewayFixture, head: list[str], body: bytes = b"", times: int = 1) -> bytes:
    """Send a request several times on a connection, and return the last response's head in lower case."""
    where = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        async with asyncio.timeout(60):
            for _ in range(times):
                writer.write("\r\n".join([*head, "", ""]).encode() + body)
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or b"0"))
                if b"connection: close" in answer:
                    assert await reader.read() == b"", "the connection ends"
                    break
    finally:
        writer.close()
    return answer


def posted(gateway: GatewayFixture, *hosts: str, target: str = "/graphql") -> list[str]:
    return [
        f"POST {target} HTTP/1.1",
        *(f"Host: {host}" for host in hosts),
        f"Authorization: Bearer {gateway.user()}",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
    ]


HOSTS = [(), ("evil.example",), ("api.example", "api.example"), ("api.example", "evil.example"), ("",)]


@pytest.mark.parametrize("hosts", HOSTS)
async def test_a_request_for_another_host_is_refused(
    production_gateway: GatewayFixture, hosts: tuple[str, ...]
) -> None:
    known = posted(production_gateway, "api.example")
    assert b" 200 ok" in await head_of_answer(production_gateway, known, BODY, times=3)
    named = [f"Host: {host}" for host in hosts]
    other = [known[0], *named, *known[2:]]
    assert b" 400 bad request" in await head_of_answer(production_gateway, other, BODY)
    assert b" 400 bad request" in await head_of_answer(production_gateway, other, BODY), "nor is its head remembered"
    assert b" 400 bad request" in await head_of_answer(production_gateway, ["GET /graphql HTTP/1.1", *named, *UPGRADE])


@pytest.mark.parametrize("hosts", [(), ("api.example", "api.example")])
async def test_outside_production_exactly_one_host_of_any_name_is_required(
    gateway: GatewayFixture, hosts: tuple[str, ...]
) -> None:
    assert b" 200 ok" in await head_of_answer(gateway, posted(gateway, "any.example"), BODY, times=3)
    assert b" 400 bad request" in await head_of_answer(gateway, posted(gateway, *hosts), BODY)


async def test_the_host_of_an_absolute_target_precedes_the_field(production_gateway: GatewayFixture) -> None:
    foreign = posted(production_gateway, "api.example", target="http://evil.example/graphql")
    assert b" 400 bad request" in await head_of_answer(production_gateway, foreign, BODY)
    ours = posted(production_gateway, "evil.example", target="http://api.example/graphql")
    assert b" 200 ok" in await head_of_answer(production_gateway, ours, BODY, times=3)


async def test_a_socket_of_an_allowed_host_opens(production_gateway: GatewayFixture) -> None:
    protocol = "Sec-WebSocket-Protocol: graphql-transport-ws"
    for target in ("/graphql", "http://api.example/graphql"):
        head = [f"GET {target} HTTP/1.1", "Host: api.example", protocol, *UPGRADE]
        answer = await head_of_answer(production_gateway, head)
        assert b" 101 " in answer
        assert b"strict-transport-security: max-age=31536000\r\n" in answer


ANSWERS = [
    ("GET /graphql?query=%7Bme%7Bid%7D%7D HTTP/1.1", "api.example", b" 200 "),
    ("GET /schema.graphql HTTP/1.1", "api.example", b" 401 "),
    ("GET /nothing HTTP/1.1", "api.example", b" 404 "),
    ("PUT /auth/session HTTP/1.1", "api.example", b" 405 "),
    ("GET /graphql HTTP/1.1", "evil.example", b" 400 "),
    ("GET\x01/graphql HTTP/1.1", "api.example", b" 400 "),
    (f"GET /{'a' * 70_000} HTTP/1.1", "api.example", b" 431 "),
]


@pytest.mark.parametrize(("line", "host", "status"), ANSWERS, ids=[line[:30] for line, _, _ in ANSWERS])
async def test_every_response_has_the_security_fields(
    production_gateway: GatewayFixture, gateway: GatewayFixture, line: str, host: str, status: bytes
) -> None:
    accept = "Accept: application/graphql-response+json"
    answer = await head_of_answer(production_gateway, [line, f"Host: {host}", accept])
    assert status in answer
    assert answer.count(b"x-content-type-options: nosniff\r\n") == 1
    assert answer.count(b"strict-transport-security: max-age=31536000\r\n") == 1
    assert b"strict-transport-security" not in await head_of_answer(gateway, [line, f"Host: {host}", accept])


async def test_a_direct_response_has_them_too(production_gateway: GatewayFixture) -> None:
    answer = await head_of_answer(production_gateway, posted(production_gateway, "api.example"), BODY)
    assert answer.count(b"x-content-type-options: nosniff\r\n") == 1
    assert answer.count(b"strict-transport-security: max-age=31536000\r\n") == 1
