"""A request that the server hands over is answered as one that comes by ASGI: each is asked in both ways."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from gateway.http import graphql
from gateway.http.graphql import GraphQLEndpoint, Read
from services.chassis.direct import Request
from services.contracts.identity import SessionEnded
from tests.gateway.actors.samples import USER
from tests.gateway.house import House, open_house
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORTAL = "https://portal.example"


class Told(NamedTuple):
    """An answer, without what is another each time."""

    status: bytes
    fields: dict[bytes, bytes]
    body: Any


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def opened(server_addresses: Servers) -> AsyncIterator[House]:
    async with open_house(server_addresses, allowed_origins=[PORTAL]) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def generous(server_addresses: Servers) -> AsyncIterator[House]:
    """A gateway whose callers may spend as much as they like."""
    async with open_house(server_addresses, quotas={"stranger": 10**12, "user": 10**12}) as house:
        yield house


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of requests that the server handed over."""
    bodies: list[bytes] = []
    answer = GraphQLEndpoint.answer

    def noting(self: GraphQLEndpoint, request: Request, body: bytes | Read) -> Any:
        if isinstance(body, bytes):  # else it came by ASGI, and is to be read
            bodies.append(body)
        return answer(self, request, body)

    monkeypatch.setattr(GraphQLEndpoint, "answer", noting)
    return bodies


async def both_ways(house: House, body: bytes, token: str | None, *fields: str) -> Told:
    """The answer to a request, which is the same where the server hands it over and, with a query, by ASGI."""
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [] if any(one.startswith("Host:") for one in fields) else ["Host: x"]
    _, _, port = house.url.rpartition(":")
    answers = []
    for target in ("/graphql", "/graphql?by=asgi"):
        whole = "\r\n".join([f"POST {target} HTTP/1.1", *lines, *fields, "", ""]).encode() + body
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        try:
            async with asyncio.timeout(60):
                writer.write(whole)
                answers.append(await _told(reader))
        finally:
            writer.close()
    directly, by_asgi = answers
    assert directly == by_asgi
    return directly


async def _told(reader: asyncio.StreamReader) -> Told:
    status, *lines, _, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    body = json.loads(await reader.readexactly(int(fields[b"content-length"])))
    assert len(fields.pop(b"x-trace-id")) == 32
    assert fields.pop(b"date").endswith(b" GMT")
    for name in (b"ratelimit", b"content-length"):
        fields.pop(name, b"")
    return Told(status, fields, re.sub(r"[0-9a-f]{32}", "<trace>", json.dumps(body)))


def asks(query: str, **more: Any) -> bytes:
    return json.dumps({"query": query, **more}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (asks("{ me { username } }"), b"200 OK"),
        (asks("query A { me { id } } query B { me { id username } }", operationName="B"), b"200 OK"),
        (asks("query A { me { id } } query B { me { id username } }"), b"200 OK"),
        (asks("query ($a: Int) { sites(first: $a) { edges { node { id } } } }", variables={"a": 2}), b"200 OK"),
        (asks("{ nothing }"), b"200 OK"),
        (asks("{ me { "), b"200 OK"),
        (asks("subscription { orderEvents { __typename } }"), b"200 OK"),
        (asks("mutation { signOut { __typename } }"), b"200 OK"),
        (asks("{ __schema { queryType { name } } }"), b"200 OK"),
        (asks("{ me { " + "id " * 30_000 + "} }"), b"200 OK"),
        (asks("{ me { id } }", variables={"padding": "x" * 300_000}), b"200 OK"),
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
async def test_every_answer_is_the_same(
    generous: House, handed_over: list[bytes], body: bytes, status: bytes, accept: str
) -> None:
    answer = await both_ways(generous, body, generous.user(), f"Accept: {accept}", "Accept-Language: fi")
    if accept == "application/json":
        assert answer.status == b"HTTP/1.1 " + status
    assert handed_over == [body] or len(body) > 60_000, "large bodies come in pieces"


async def test_a_large_body_is_refused_as_ever(
    house: House, handed_over: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "MAX_BODY", 100)
    answer = await both_ways(house, asks("{ me { id } }" + " " * 100), house.user())
    assert answer.status == b"HTTP/1.1 413 Request Entity Too Large" and len(handed_over) == 1


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
async def test_whatever_its_head_says(house: House, handed_over: list[bytes], fields: list[str]) -> None:
    await both_ways(house, asks("{ me { id } }"), house.user(), *fields)
    await both_ways(house, asks("{ me { id } }"), None, *fields)
    assert len(handed_over) == 2


async def test_a_trace_goes_on(house: House) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    for target in ("/graphql", "/graphql?by=asgi"):
        async with house.session.post(house.url + target, json={"query": "{ me { id } }"}, headers=headers) as response:
            assert response.headers["X-Trace-Id"] == trace


async def test_a_page_of_an_allowed_origin_is_told_that_it_may(opened: House, handed_over: list[bytes]) -> None:
    answer = await both_ways(opened, asks("{ me { id } }"), opened.user(), f"Origin: {PORTAL}")
    assert answer.fields[b"access-control-allow-origin"] == PORTAL.encode()
    for others_page in ([], [f"Origin: {opened.url}", f"Host: {opened.url.removeprefix('http://')}"]):
        answer = await both_ways(opened, asks("{ me { id } }"), opened.user(), *others_page)
        assert b"access-control-allow-origin" not in answer.fields
    assert len(handed_over) == 3


async def test_whose_session_ended_is_no_longer_known(house: House) -> None:
    token, body = house.user(session="session_to_end"), asks("{ me { username } }")
    assert (await both_ways(house, body, token)).status == b"HTTP/1.1 200 OK"
    await house.state(SessionEnded(session_id="session_to_end", subject_id=USER))
    async with asyncio.timeout(5):
        while (await house.ask("{ me { username } }", token))["status"] == 200:
            await asyncio.sleep(0.01)
    answer = await both_ways(house, body, token)
    assert answer.status == b"HTTP/1.1 401 Unauthorized"
    assert answer.fields[b"www-authenticate"] == b'Bearer error="invalid_token"'
