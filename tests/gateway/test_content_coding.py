"""Content codings: the schema is compressed for those who accept it, and nothing with data ever is."""

import gzip
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from graphql import get_introspection_query

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTROSPECTION = get_introspection_query()
WITH_DATA = {
    "beside it": "{ __schema { types { name description } } me { username } }",
    "in a fragment": "{ ...F } fragment F on Query { ... { me { username } } __schema { types { name description } } }",
    "alone": "{ me { username memberships { role organisation { id name } } } }",
}


class Sent(NamedTuple):
    """A response as it was sent."""

    status: int
    headers: Mapping[str, str]
    vary: set[str]
    body: bytes

    @property
    def text(self) -> bytes:
        """The body without its coding."""
        return gzip.decompress(self.body) if self.headers.get("Content-Encoding") == "gzip" else self.body


class Client:
    """A client that leaves bodies in their coding."""

    def __init__(self, gateway: GatewayFixture, session: aiohttp.ClientSession) -> None:
        self._gateway = gateway
        self._session = session

    async def post(self, query: str, accept_encoding: str) -> Sent:
        return await self._send("POST", "/graphql", accept_encoding, json={"query": query})

    async def get(self, path: str, accept_encoding: str, etag: str = "", query: str = "") -> Sent:
        return await self._send("GET", path, accept_encoding, etag, params={"query": query} if query else {})

    async def _send(self, method: str, path: str, accept_encoding: str, etag: str = "", **content: Any) -> Sent:
        headers = {"Authorization": f"Bearer {self._gateway.staff()}", "Accept-Encoding": accept_encoding}
        headers |= {"If-None-Match": etag} if etag else {}
        async with self._session.request(method, self._gateway.url + path, headers=headers, **content) as response:
            body = await response.read()
            vary = {name.strip() for line in response.headers.getall("Vary", []) for name in line.split(",")}
            assert response.status == 304 or response.headers["Content-Length"] == str(len(body))
            return Sent(response.status, response.headers, vary, body)


@pytest_asyncio.fixture(loop_scope="module")
async def client(gateway: GatewayFixture) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session:
        yield Client(gateway, session)


async def test_the_schema_is_compressed_for_those_who_accept_it(client: Client) -> None:
    compressed, plain = await client.post(INTROSPECTION, "gzip, deflate, br"), await client.post(INTROSPECTION, "br")
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert compressed.text == plain.body
    assert "types" in msgspec.json.decode(plain.body)["data"]["__schema"]
    assert len(compressed.body) < len(plain.body) / 5
    assert {"Accept-Encoding"} <= compressed.vary & plain.vary


async def test_a_small_part_of_the_schema_is_not_compressed(client: Client) -> None:
    sent = await client.post('{ __type(name: "Query") { kind } __typename }', "gzip")
    assert msgspec.json.decode(sent.body)["data"] == {"__type": {"kind": "OBJECT"}, "__typename": "Query"}
    assert sent.vary == {"Accept-Encoding"}


@pytest.mark.parametrize("query", WITH_DATA.values(), ids=WITH_DATA)
async def test_what_has_data_is_never_compressed(client: Client, query: str) -> None:
    for sent in (await client.post(query, "gzip"), await client.get("/graphql", "gzip", query=query)):
        assert msgspec.json.decode(sent.body)["data"]["me"]["username"]
        assert "Content-Encoding" not in sent.headers
        assert "Accept-Encoding" not in sent.vary


@pytest.mark.parametrize(
    ("path", "query"), [("/graphql", INTROSPECTION), ("/schema.graphql", ""), ("/schema.json", "")]
)
async def test_each_coding_has_its_own_entity_tag(client: Client, path: str, query: str) -> None:
    compressed, plain = await client.get(path, "gzip", query=query), await client.get(path, "identity", query=query)
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.text == plain.body
    assert compressed.vary == plain.vary > {"Accept-Encoding"}
    tags = {"gzip": compressed.headers["ETag"], "identity": plain.headers["ETag"]}
    assert tags["gzip"] != tags["identity"]
    for coding, etag in tags.items():
        again = await client.get(path, coding, etag, query)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
        assert again.vary == plain.vary
        assert "Content-Encoding" not in again.headers
    assert (await client.get(path, "gzip", tags["identity"], query)).status == 200
