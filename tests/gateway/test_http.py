"""The endpoint itself: tokens, sizes, the page for browsers."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from yarl import URL

from gateway.http import body
from services.chassis.runtime.settings import Environment
from services.chassis.telemetry import logging
from services.contracts.identity import SubjectKind
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_expired_token_is_refused_as_a_whole(gateway: GatewayFixture) -> None:
    answer = await gateway.ask("{ me { id } }", gateway.user(valid_for=dt.timedelta(seconds=-1)), "fi")
    assert answer["status"] == 401
    assert answer["errors"] == [{"message": "Kirjaudu sisään.", "extensions": {"code": "UNAUTHENTICATED"}}]
    assert answer["headers"]["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert gateway.services.calls == []


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Basic abc", "Bearer ", "Bearer a b"])
async def test_what_is_no_token_is_refused(gateway: GatewayFixture, header: str) -> None:
    headers = {"Authorization": header}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ me { id } }"}, headers=headers
    ) as response:
        assert response.status == 401


async def test_a_services_token_is_not_for_the_outside(gateway: GatewayFixture) -> None:
    token = gateway.services.identity.token("service:stats", SubjectKind.SERVICE)
    assert (await gateway.ask("{ me { id } }", token))["status"] == 401


async def test_a_large_body_is_refused(gateway: GatewayFixture) -> None:
    answer = await gateway.ask("{ me { id } }", gateway.user(), padding="x" * 1_000_001)
    assert answer["status"] == 413
    assert answer["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert answer["errors"][0]["message"] == "The request is too large: at most 1000000 bytes."
    assert gateway.services.calls == []


async def test_a_browser_is_shown_a_page(gateway: GatewayFixture) -> None:
    async with gateway.session.get(f"{gateway.url}/graphql", headers={"Accept": "text/html"}) as response:
        assert response.status == 200
        assert "playground" in (await response.text()).lower()
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_in_production_there_is_no_page_unless_it_is_switched_on(server_addresses: Servers) -> None:
    async with (
        run_gateway(server_addresses, env=Environment.PRODUCTION) as house,
        house.session.get(f"{house.url}/graphql", headers={"Accept": "text/html"}) as response,
    ):
        assert response.status == 404


async def test_in_production_a_stranger_sees_the_way_in_alone(server_addresses: Servers) -> None:
    async with run_gateway(server_addresses, env=Environment.PRODUCTION, playground=True) as house:
        async with house.session.get(f"{house.url}/graphql", headers={"Accept": "text/html"}) as response:
            assert response.status == 200
            assert "data-sign-in-first" in await response.text()
        async with house.session.get(f"{house.url}/graphql/examples.json") as response:
            assert response.status == 401


async def test_the_page_can_be_switched_off(server_addresses: Servers) -> None:
    async with run_gateway(server_addresses, playground=False) as house:
        for address in ("/graphql", "/graphql/examples.json"):
            async with house.session.get(f"{house.url}{address}", headers={"Accept": "text/html"}) as response:
                assert response.status == 404


async def test_a_query_by_get(gateway: GatewayFixture) -> None:
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    query = {"query": "{ me { username } }"}
    async with gateway.session.get(f"{gateway.url}/graphql", params=query, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}


async def test_of_a_header_that_comes_twice_the_first_counts(gateway: GatewayFixture) -> None:
    """Also for an operation that is known."""
    query = "{ me { username } }"
    await gateway.ask(query, gateway.user())
    headers = [("Authorization", f"Bearer {gateway.user()}"), ("Authorization", "Bearer x.y.z")]
    async with gateway.session.post(f"{gateway.url}/graphql", json={"query": query}, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}
    async with gateway.session.post(f"{gateway.url}/graphql", json={"query": query}, headers=headers[::-1]) as response:
        assert response.status == 401


async def test_a_body_in_pieces_is_one_body(gateway: GatewayFixture) -> None:
    query = b'{"query": "{ me { username } }"}'

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(query), 5):
            yield query[at : at + 5]
            await asyncio.sleep(0.001)

    headers = {"Authorization": f"Bearer {gateway.user()}", "Content-Type": "application/json"}
    for _ in range(2):
        async with gateway.session.post(f"{gateway.url}/graphql", data=pieces(), headers=headers) as response:
            assert await response.json() == {"data": {"me": {"username": "maija"}}}


async def test_too_large_is_too_large_also_in_pieces(gateway: GatewayFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    headers = {"Authorization": f"Bearer {gateway.user()}", "Content-Type": "application/json"}
    async with gateway.session.post(f"{gateway.url}/graphql", data=pieces(), headers=headers) as response:
        assert response.status == 413


async def test_a_body_that_does_not_come_is_not_waited_for(
    gateway: GatewayFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_TIMEOUT_S", 0.1)

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"query": '
        await asyncio.sleep(60)

    async with gateway.session.post(
        f"{gateway.url}/graphql", data=pieces(), headers={"Content-Type": "application/json"}
    ) as response:
        assert response.status == 408
        assert (await response.json())["errors"][0]["extensions"]["code"] == "REQUEST_TIMEOUT"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
async def test_other_methods_are_told_which_there_are(gateway: GatewayFixture, method: str) -> None:
    async with gateway.session.request(method, f"{gateway.url}/graphql") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD, POST, OPTIONS"
        assert (await response.json())["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


async def test_options_says_which_methods_there_are(gateway: GatewayFixture) -> None:
    async with gateway.session.options(f"{gateway.url}/graphql") as response:
        assert response.status == 204
        assert response.headers["Allow"] == "GET, HEAD, POST, OPTIONS"


async def test_nothing_is_changed_by_get(gateway: GatewayFixture) -> None:
    mutation = "mutation { signOut { __typename } }"
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.get(f"{gateway.url}/graphql", params={"query": mutation}, headers=headers) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
    assert gateway.services.calls == []


async def test_head_is_get_without_its_body(gateway: GatewayFixture) -> None:
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    query = {"query": "{ me { username } }"}
    async with gateway.session.head(f"{gateway.url}/graphql", params=query, headers=headers) as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) == len('{"data":{"me":{"username":"maija"}}}')


async def test_a_subscription_needs_a_socket(gateway: GatewayFixture) -> None:
    answer = await gateway.ask("subscription { orderEvents { __typename } }", gateway.partner())
    assert answer["errors"] == [
        {"message": "Subscriptions go over WebSocket.", "extensions": {"code": "SOCKET_NEEDED"}}
    ]


async def test_of_several_operations_one_is_named(gateway: GatewayFixture) -> None:
    query = "query a { me { username } } query b { me { id } }"
    answer = await gateway.ask(query, gateway.user())
    assert answer["errors"][0]["extensions"] == {"code": "UNKNOWN_OPERATION", "path": ["operationName"]}
    body = {"query": query, "operationName": "a"}
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(f"{gateway.url}/graphql", json=body, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b"null", []),
        (b"[]", []),
        (b'"{ me { id } }"', []),
        (b"", []),
        (b"{", []),
        (b'{"query": "\xff"}', []),
        (b'{"query": 1}', ["query"]),
        (b"{}", ["query"]),
        (b'{"query": "{ me { id } }", "variables": []}', ["variables"]),
        (b'{"query": "{ me { id } }", "operationName": {}}', ["operationName"]),
        (b'{"query": "{ me { id } }", "extensions": 0}', ["extensions"]),
        (b'{"variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", []),
    ],
)
async def test_a_body_that_is_no_request_names_the_field(gateway: GatewayFixture, sent: bytes, path: list[str]) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(f"{gateway.url}/graphql", data=sent, headers=headers) as response:
        assert response.status == 400
        extensions = (await response.json())["errors"][0]["extensions"]
        assert (extensions["code"], extensions["path"]) == ("INVALID_REQUEST", path)


@pytest.mark.parametrize(
    "query",
    [
        "query=%ff",
        "query={me{id}}&query={me{id}}",
        "query={me{id}}&variables=1",
        "query={me{id}}&variables={",
        "variables={}",
    ],
)
async def test_an_address_that_is_no_request_is_refused(gateway: GatewayFixture, query: str) -> None:
    url = URL(f"{gateway.url}/graphql?{query}", encoded=True)
    async with gateway.session.get(url, headers={"Authorization": f"Bearer {gateway.user()}"}) as response:
        assert response.status == 400
        assert (await response.json())["errors"][0]["extensions"]["code"] == "INVALID_REQUEST"


async def test_of_an_operation_that_is_wrong_the_status_says_so_to_who_knows(gateway: GatewayFixture) -> None:
    headers = {"Accept": "application/graphql-response+json", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ nothing }"}, headers=headers
    ) as response:
        assert response.status == 400
        assert response.content_type == "application/graphql-response+json"
        assert "data" not in await response.json()
    assert (await gateway.ask("{ nothing }", gateway.user()))["status"] == 200


async def test_what_is_refused_is_counted_and_logged_by_its_code_alone(
    gateway: GatewayFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    before = REGISTRY.get_sample_value("kierto_requests_rejected_total", {"code": "UNKNOWN_OPERATION"}) or 0.0
    body = {"query": "query a { me { id } }", "operationName": "Mirja Meikäläinen"}
    async with gateway.session.post(f"{gateway.url}/graphql", json=body) as response:
        assert (await response.json())["errors"][0]["extensions"]["code"] == "UNKNOWN_OPERATION"
    assert REGISTRY.get_sample_value("kierto_requests_rejected_total", {"code": "UNKNOWN_OPERATION"}) == before + 1
    logging.flush()
    said = capsys.readouterr().out
    assert "UNKNOWN_OPERATION" in said
    assert "Mirja" not in said


async def test_an_answer_of_another_kind_is_not_to_be_had(gateway: GatewayFixture) -> None:
    headers = {"Accept": "image/png"}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ me { id } }"}, headers=headers
    ) as response:
        assert response.status == 406
        extensions = (await response.json())["errors"][0]["extensions"]
        assert extensions["accepted"] == ["application/graphql-response+json", "application/json"]


async def test_in_production_the_schema_is_for_those_who_write_clients(server_addresses: Servers) -> None:
    asked = "{ __schema { queryType { name } } }"
    async with run_gateway(server_addresses, env=Environment.PRODUCTION) as house:
        for writer in (house.staff(), house.partner(), house.staff()):
            assert (await house.ask(asked, writer))["data"] == {"__schema": {"queryType": {"name": "Query"}}}
            assert "Did you mean 'me'" in (await house.ask("{ mee { id } }", writer))["errors"][0]["message"]
        for token in (None, house.user(), None, house.user()):
            answer = await house.ask(asked, token)
            assert answer["errors"][0]["extensions"]["code"] == "INTROSPECTION_FORBIDDEN"
            assert "data" not in answer
            answer = await house.ask("{ mee { id } }", token)
            assert answer["errors"][0]["message"] == "Cannot query field 'mee' on type 'Query'."
            assert (await house.ask("{ __typename }", token))["data"] == {"__typename": "Query"}
