"""What is answered past ASGI is answered as it is by it: every request three times, on one connection."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from gateway.http import graphql
from gateway.http.graphql import GraphQLEndpoint
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


@pytest.fixture
def past_asgi(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of requests that were answered past ASGI."""
    bodies: list[bytes] = []
    answer = GraphQLEndpoint.answer

    async def noting(self: GraphQLEndpoint, meaning: Any, body: bytes) -> Any:
        bodies.append(body)
        return await answer(self, meaning, body)

    monkeypatch.setattr(GraphQLEndpoint, "answer", noting)
    return bodies


async def thrice(house: House, body: bytes, token: str | None, *fields: str) -> list[Told]:
    lines = ["POST /graphql HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [] if any(one.startswith("Host:") for one in fields) else ["Host: x"]
    whole = "\r\n".join([*lines, *fields, "", ""]).encode() + body
    _, _, port = house.url.rpartition(":")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    answers = []
    try:
        async with asyncio.timeout(20):
            for _ in range(3):
                writer.write(whole)
                answers.append(await _told(reader))
    finally:
        writer.close()
    return answers


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
    house: House, past_asgi: list[bytes], body: bytes, status: bytes, accept: str
) -> None:
    token, fields = house.user(), [f"Accept: {accept}", "Accept-Language: fi"]
    await thrice(house, asks("{ me { firstName } }"), token, *fields)  # who asks is known from here on
    first, *others = await thrice(house, body, token, *fields)
    assert others == [first, first]
    if accept == "application/json":
        assert first.status == b"HTTP/1.1 " + status
    assert body in past_asgi or len(body) > 60_000, "large bodies come in pieces"


async def test_a_large_body_is_refused_as_ever(
    house: House, past_asgi: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "MAX_BODY", 100)
    first, *others = await thrice(house, asks("{ me { id } }" + " " * 100), house.user())
    assert others == [first, first]
    assert first.status == b"HTTP/1.1 413 Request Entity Too Large" and not past_asgi


@pytest.mark.parametrize(
    "fields",
    [
        ["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        ["Content-Encoding: gzip"],
        ["Origin: https://elsewhere.example"],
        ["Sec-Fetch-Site: cross-site"],
        ["Accept: text/html"],
    ],
)
async def test_what_is_looked_at_each_time(house: House, past_asgi: list[bytes], fields: list[str]) -> None:
    first, *others = await thrice(house, asks("{ me { id } }"), house.user(), *fields)
    assert others == [first, first] and not past_asgi


async def test_a_stranger_too(house: House, past_asgi: list[bytes]) -> None:
    first, *others = await thrice(house, asks("{ me { id } }"), None)
    assert others == [first, first] and not past_asgi


async def test_a_page_of_an_allowed_origin_is_told_that_it_may(opened: House, past_asgi: list[bytes]) -> None:
    first, *others = await thrice(opened, asks("{ me { id } }"), opened.user(), f"Origin: {PORTAL}")
    assert others == [first, first] and past_asgi
    assert first.fields[b"access-control-allow-origin"] == PORTAL.encode()
    for others_page in ([], [f"Origin: {opened.url}", f"Host: {opened.url.removeprefix('http://')}"]):
        before = len(past_asgi)
        first, *others = await thrice(opened, asks("{ me { id } }"), opened.user(), *others_page)
        assert others == [first, first] and len(past_asgi) > before


async def test_whose_session_ended_is_no_longer_known(house: House, past_asgi: list[bytes]) -> None:
    token, body = house.user(session="session_to_end"), asks("{ me { username } }")
    assert [one.status for one in await thrice(house, body, token)] == [b"HTTP/1.1 200 OK"] * 3
    before = len(past_asgi)
    assert before
    await house.state(SessionEnded(session_id="session_to_end", subject_id=USER))
    async with asyncio.timeout(5):
        while (await thrice(house, body, token))[0].status == b"HTTP/1.1 200 OK":
            await asyncio.sleep(0.01)
    first, *others = await thrice(house, body, token)
    assert others == [first, first] and len(past_asgi) >= before + 3
    assert first.status == b"HTTP/1.1 401 Unauthorized"
    assert first.fields[b"www-authenticate"] == b'Bearer error="invalid_token"'
