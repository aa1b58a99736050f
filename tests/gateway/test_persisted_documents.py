"""Persisted documents, and responses that clients cache."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.persisted_documents import ids, manifest
from gateway.persisted_documents.manifest import ManifestOperation
from services.chassis.ids import new_uuid
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINE = f"query Mine{new_uuid().hex} {{ me {{ username }} }}"  # Redis has those of other runs
OTHER = "query Other { me { id } }"
MAIJA = {"data": {"me": {"username": "maija"}}}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def trusted_only_gateway(
    server_addresses: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayFixture]:
    """A gateway whose users may execute one document only."""
    file = tmp_path_factory.mktemp("documents") / "manifest.json"
    file.write_bytes(manifest.encode_manifest([ManifestOperation(ids.id_of(MINE), "Mine", "query", MINE)]))
    settings = {"trusted_documents": file, "trusted_only": ["USER"]}
    async with run_gateway(server_addresses, **settings) as gateway:
        yield gateway


async def post(gateway: GatewayFixture, token: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    async with gateway.session.post(f"{gateway.url}/graphql", json=parameters, headers=headers) as response:
        return response.status, await response.json()


def apollo(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": ids.hash_of(text)}}


def code_of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    status, body = answer
    return status, body["errors"][0]["extensions"]["code"]


async def test_a_document_is_registered_with_its_hash(gateway: GatewayFixture) -> None:
    unknown = await post(gateway, gateway.user(), extensions=apollo(MINE))
    assert code_of(unknown) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown[1]["errors"][0]["message"] == "PersistedQueryNotFound"
    assert (await post(gateway, gateway.user(), query=MINE, extensions=apollo(MINE)))[1] == MAIJA
    assert (await post(gateway, gateway.user(), extensions=apollo(MINE)))[1] == MAIJA
    assert (await post(gateway, gateway.user(), documentId=ids.id_of(MINE)))[1] == MAIJA


async def test_a_hash_of_another_text_is_refused(gateway: GatewayFixture) -> None:
    answer = await post(gateway, gateway.user(), query=OTHER, extensions=apollo(MINE))
    assert code_of(answer) == (200, "PERSISTED_QUERY_MISMATCH")


async def test_an_invalid_document_is_not_registered(gateway: GatewayFixture) -> None:
    wrong = "{ nothing }"
    assert code_of(await post(gateway, gateway.user(), query=wrong, extensions=apollo(wrong)))[1] == "INVALID_OPERATION"
    assert code_of(await post(gateway, gateway.user(), extensions=apollo(wrong)))[1] == "PERSISTED_QUERY_NOT_FOUND"


async def test_anonymous_callers_register_nothing(gateway: GatewayFixture) -> None:
    text = "query Stranger { __typename }"
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": text, "extensions": apollo(text)}
    ) as response:
        assert await response.json() == {"data": {"__typename": "Query"}}
    assert code_of(await post(gateway, gateway.user(), extensions=apollo(text)))[1] == "PERSISTED_QUERY_NOT_FOUND"


async def test_users_may_execute_trusted_documents_only(trusted_only_gateway: GatewayFixture) -> None:
    for parameters in ({"documentId": ids.id_of(MINE)}, {"extensions": apollo(MINE)}, {"query": MINE}):
        assert (await post(trusted_only_gateway, trusted_only_gateway.user(), **parameters))[1] == MAIJA
    assert code_of(await post(trusted_only_gateway, trusted_only_gateway.user(), query=OTHER)) == (
        200,
        "DOCUMENT_NOT_TRUSTED",
    )
    assert (
        code_of(await post(trusted_only_gateway, trusted_only_gateway.user(), documentId=ids.id_of(OTHER)))[1]
        == "PERSISTED_QUERY_NOT_FOUND"
    )
    assert "data" in (await post(trusted_only_gateway, trusted_only_gateway.staff(), query=OTHER))[1]


async def test_over_sockets_too(trusted_only_gateway: GatewayFixture) -> None:
    async with trusted_only_gateway.socket(trusted_only_gateway.user()) as socket:
        await socket.connection.send_json({"id": "1", "type": "subscribe", "payload": {"documentId": ids.id_of(MINE)}})
        assert (await socket.next_message())["payload"] == MAIJA
        assert (await socket.next_message())["type"] == "complete"
        await socket.connection.send_json({"id": "2", "type": "subscribe", "payload": {"query": OTHER}})
        refused = await socket.next_message()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "DOCUMENT_NOT_TRUSTED")
        await socket.connection.send_json({"id": "2", "type": "subscribe", "payload": {"query": MINE}})
        assert (await socket.next_message())["payload"] == MAIJA


async def test_a_response_to_get_is_cached_and_revalidated(trusted_only_gateway: GatewayFixture) -> None:
    url = f"{trusted_only_gateway.url}/graphql"
    headers = {"Authorization": f"Bearer {trusted_only_gateway.user()}"}
    async with trusted_only_gateway.session.get(
        url, params={"documentId": ids.id_of(MINE)}, headers=headers
    ) as response:
        assert await response.json() == MAIJA
        assert response.headers["Cache-Control"] == "private, max-age=0, must-revalidate"
        assert "Authorization" in response.headers["Vary"]
        etag = response.headers["ETag"]
    headers["If-None-Match"] = etag
    async with trusted_only_gateway.session.get(
        url, params={"documentId": ids.id_of(MINE)}, headers=headers
    ) as response:
        assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", etag)
        assert "Content-Type" not in response.headers
    headers["Accept"] = "application/graphql-response+json"
    async with trusted_only_gateway.session.get(
        url, params={"documentId": ids.id_of(MINE)}, headers=headers
    ) as response:
        assert response.status == 200
        assert response.headers["ETag"] != etag


async def test_request_errors_are_not_cached(trusted_only_gateway: GatewayFixture) -> None:
    headers = {"Authorization": f"Bearer {trusted_only_gateway.user()}"}
    async with trusted_only_gateway.session.get(
        f"{trusted_only_gateway.url}/graphql", params={"query": OTHER}, headers=headers
    ) as response:
        assert response.headers["Cache-Control"] == "no-store"


async def test_a_response_with_errors_is_not_cached(gateway: GatewayFixture) -> None:
    query = '{ sites(filter: {search: "broken"}) { totalCount } }'
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.get(f"{gateway.url}/graphql", params={"query": query}, headers=headers) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers
