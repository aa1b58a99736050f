"""Requests by direct endpoints get the same responses as by ASGI: each is sent in both ways."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from graphql import get_introspection_query

from gateway.http import graphql_endpoint
from gateway.http.graphql_endpoint import BodyReader, GraphQLEndpoint
from services.chassis.http.server.endpoint import EndpointRequest
from services.contracts.identity.events import SessionEnded
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.gateway.stubs.samples import USER
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORTAL = "https://portal.example"


class ComparableResponse(NamedTuple):
    """A response, without its variable parts."""

    status: bytes
    fields: dict[bytes, bytes]
    body: Any


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cors_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    async with run_gateway(server_addresses, allowed_origins=[PORTAL]) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def unlimited_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with unlimited quotas."""
    async with run_gateway(server_addresses, quotas={"stranger": 10**12, "user": 10**12}) as gateway:
        yield gateway


@pytest.fixture
def direct_bodies(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Record the bodies of requests to direct endpoints."""
    bodies: list[bytes] = []
    answer = GraphQLEndpoint.answer

    def noting(self: GraphQLEndpoint, request: EndpointRequest, body: bytes | BodyReader) -> Any:
        if isinstance(body, bytes):  # else it comes by ASGI, and is to be read
            bodies.append(body)
        return answer(self, request, body)

    monkeypatch.setattr(GraphQLEndpoint, "answer", noting)
    return bodies


async def ask_both_ways(gateway: GatewayFixture, body: bytes, token: str | None, *fields: str) -> ComparableResponse:
    """Send a request directly and, with a query string, by ASGI, and return the response, which has to be the same."""
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [] if any(one.startswith("Host:") for one in fields) else ["Host: x"]
    _, _, port = gateway.url.rpartition(":")
    answers = []
    for target in ("/graphql", "/graphql?by=asgi"):
        whole = "\r\n".join([f"POST {target} HTTP/1.1", *lines, *fields, "", ""]).encode() + body
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        try:
            async with asyncio.timeout(60):
                writer.write(whole)
                answers.append(await _read_response(reader))
        finally:
            writer.close()
    directly, by_asgi = answers
    assert directly == by_asgi
    return directly


async def _read_response(reader: asyncio.StreamReader) -> ComparableResponse:
    status, *lines, _, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    sent = await reader.readexactly(int(fields[b"content-length"]))
    body = json.loads(gzip.decompress(sent) if b"content-encoding" in fields else sent)
    assert len(fields.pop(b"x-trace-id")) == 32
    assert fields.pop(b"date").endswith(b" GMT")
    for name in (b"ratelimit", b"content-length"):
        fields.pop(name, b"")
    return ComparableResponse(status, fields, re.sub(r"[0-9a-f]{32}", "<trace>", json.dumps(body)))


def post_request(query: str, **more: Any) -> bytes:
    return json.dumps({"query": query, **more}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (post_request("{ me { username } }"), b"200 OK"),
        (post_request("query A { me { id } } query B { me { id username } }", operationName="B"), b"200 OK"),
        (post_request("query A { me { id } } query B { me { id username } }"), b"200 OK"),
        (post_request("query ($a: Int) { sites(first: $a) { edges { node { id } } } }", variables={"a": 2}), b"200 OK"),
        (post_request("{ nothing }"), b"200 OK"),
        (post_request("{ me { "), b"200 OK"),
        (post_request("subscription { orderEvents { __typename } }"), b"200 OK"),
        (post_request("mutation { signOut { __typename } }"), b"200 OK"),
        (post_request("{ __schema { queryType { name } } }"), b"200 OK"),
        (post_request("{ me { " + "id " * 30_000 + "} }"), b"200 OK"),
        (post_request("{ me { id } }", variables={"padding": "x" * 300_000}), b"200 OK"),
        (b"null", b"400 Bad Request"),
        (b"[]", b"400 Bad Request"),
        (b'{"query": 1}', b"400 Bad Request"),
        (b"\xff\xfe", b"400 Bad Request"),
        (b"[" * 5_000, b"400 Bad Request"),
        (b"", b"400 Bad Request"),
        (b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%b"}}}' % (b"a" * 64), b"200 OK"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_every_response_is_the_same(
    unlimited_gateway: GatewayFixture, direct_bodies: list[bytes], body: bytes, status: bytes, accept: str
) -> None:
    answer = await ask_both_ways(
        unlimited_gateway, body, unlimited_gateway.user(), f"Accept: {accept}", "Accept-Language: fi"
    )
    if accept == "application/json":
        assert answer.status == b"HTTP/1.1 " + status
    assert direct_bodies == [body] or len(body) > 60_000, "large bodies come in pieces"


async def test_a_large_body_is_refused(
    gateway: GatewayFixture, direct_bodies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_endpoint, "MAX_BODY", 100)
    answer = await ask_both_ways(gateway, post_request("{ me { id } }" + " " * 100), gateway.user())
    assert answer.status == b"HTTP/1.1 413 Request Entity Too Large" and len(direct_bodies) == 1


@pytest.mark.parametrize(
    "fields",
    [
        ["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        ["Content-Encoding: gzip"],
        ["Origin: https://elsewhere.example"],
        ["Sec-Fetch-Site: cross-site"],
        ["Accept: text/html"],
        ["X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 203.0.113.9"],
        ["Authorization: Basic x"],
    ],
)
async def test_any_head(gateway: GatewayFixture, direct_bodies: list[bytes], fields: list[str]) -> None:
    await ask_both_ways(gateway, post_request("{ me { id } }"), gateway.user(), *fields)
    await ask_both_ways(gateway, post_request("{ me { id } }"), None, *fields)
    assert len(direct_bodies) == 2


async def test_the_schema_in_a_content_coding(gateway: GatewayFixture, direct_bodies: list[bytes]) -> None:
    body = post_request(get_introspection_query())
    answer = await ask_both_ways(gateway, body, gateway.user(), "Accept-Encoding: gzip")
    assert answer.fields[b"content-encoding"] == b"gzip"
    assert direct_bodies == [body]


async def test_a_trace_is_continued(gateway: GatewayFixture) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    for target in ("/graphql", "/graphql?by=asgi"):
        async with gateway.session.post(
            gateway.url + target, json={"query": "{ me { id } }"}, headers=headers
        ) as response:
            assert response.headers["X-Trace-Id"] == trace


async def test_a_page_of_an_allowed_origin_gets_cors_fields(
    cors_gateway: GatewayFixture, direct_bodies: list[bytes]
) -> None:
    answer = await ask_both_ways(cors_gateway, post_request("{ me { id } }"), cors_gateway.user(), f"Origin: {PORTAL}")
    assert answer.fields[b"access-control-allow-origin"] == PORTAL.encode()
    for others_page in ([], [f"Origin: {cors_gateway.url}", f"Host: {cors_gateway.url.removeprefix('http://')}"]):
        answer = await ask_both_ways(cors_gateway, post_request("{ me { id } }"), cors_gateway.user(), *others_page)
        assert b"access-control-allow-origin" not in answer.fields
    assert len(direct_bodies) == 3


async def test_a_caller_is_not_cached_after_the_session_ended(gateway: GatewayFixture) -> None:
    token, body = gateway.user(session="session_to_end"), post_request("{ me { username } }")
    assert (await ask_both_ways(gateway, body, token)).status == b"HTTP/1.1 200 OK"
    await gateway.publish_identity_event(SessionEnded(session_id="session_to_end", subject_id=USER))
    async with asyncio.timeout(60):
        while (await gateway.execute("{ me { username } }", token))["status"] == 200:
            await asyncio.sleep(0.01)
    answer = await ask_both_ways(gateway, body, token)
    assert answer.status == b"HTTP/1.1 401 Unauthorized"
    assert answer.fields[b"www-authenticate"] == b'Bearer error="invalid_token"'
