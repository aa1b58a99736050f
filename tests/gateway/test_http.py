"""The GraphQL endpoint: tokens, sizes, methods, the page for browsers."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from yarl import URL

from gateway.http import body
from services.chassis.runtime.settings import Environment
from services.chassis.telemetry import logging
from services.contracts.permission import SubjectKind
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

NESTED_JSON = "JSON in UTF-8, not nested too deeply"


async def test_an_expired_token_is_refused_as_a_whole(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("{ me { id } }", gateway.user(valid_for=dt.timedelta(seconds=-1)), "fi")
    assert answer["status"] == 401
    assert answer["errors"] == [{"message": "Kirjaudu sisään.", "extensions": {"code": "UNAUTHENTICATED"}}]
    assert answer["headers"]["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert gateway.services.calls == []


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Basic abc", "Bearer ", "Bearer a b"])
async def test_a_malformed_token_is_refused(gateway: GatewayFixture, header: str) -> None:
    headers = {"Authorization": header}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ me { id } }"}, headers=headers
    ) as response:
        assert response.status == 401


async def test_a_services_token_is_refused(gateway: GatewayFixture) -> None:
    token = gateway.services.identity.token("service:stats", SubjectKind.SERVICE)
    assert (await gateway.execute("{ me { id } }", token))["status"] == 401


async def test_a_large_body_is_refused(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("{ me { id } }", gateway.user(), padding="x" * 1_000_001)
    assert answer["status"] == 413
    assert answer["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert answer["errors"][0]["message"] == "The request is too large: at most 1,000,000 bytes."
    assert gateway.services.calls == []


async def test_a_browser_gets_the_page(gateway: GatewayFixture) -> None:
    async with gateway.session.get(f"{gateway.url}/graphql", headers={"Accept": "text/html"}) as response:
        assert response.status == 200
        assert "playground" in (await response.text()).lower()
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_in_production_there_is_no_page_unless_it_is_switched_on(server_addresses: Servers) -> None:
    async with (
        run_gateway(server_addresses, env=Environment.PRODUCTION) as gateway,
        gateway.session.get(f"{gateway.url}/graphql", headers={"Accept": "text/html"}) as response,
    ):
        assert response.status == 404


async def test_in_production_an_anonymous_visitor_gets_the_sign_in_form_only(server_addresses: Servers) -> None:
    async with run_gateway(server_addresses, env=Environment.PRODUCTION, playground=True) as gateway:
        async with gateway.session.get(f"{gateway.url}/graphql", headers={"Accept": "text/html"}) as response:
            assert response.status == 200
            assert "data-sign-in-first" in await response.text()
        async with gateway.session.get(f"{gateway.url}/graphql/examples.json") as response:
            assert response.status == 401


async def test_the_page_can_be_switched_off(server_addresses: Servers) -> None:
    async with run_gateway(server_addresses, playground=False) as gateway:
        for address in ("/graphql", "/graphql/examples.json"):
            async with gateway.session.get(f"{gateway.url}{address}", headers={"Accept": "text/html"}) as response:
                assert response.status == 404


async def test_a_query_by_get(gateway: GatewayFixture) -> None:
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    query = {"query": "{ me { username } }"}
    async with gateway.session.get(f"{gateway.url}/graphql", params=query, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}


async def test_the_first_of_a_repeated_header_is_used(gateway: GatewayFixture) -> None:
    """Also for a cached document."""
    query = "{ me { username } }"
    await gateway.execute(query, gateway.user())
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


async def test_a_large_body_in_pieces_is_refused(gateway: GatewayFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    headers = {"Authorization": f"Bearer {gateway.user()}", "Content-Type": "application/json"}
    async with gateway.session.post(f"{gateway.url}/graphql", data=pieces(), headers=headers) as response:
        assert response.status == 413


async def test_an_incomplete_body_has_a_timeout(gateway: GatewayFixture, monkeypatch: pytest.MonkeyPatch) -> None:
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
async def test_other_methods_are_refused_with_allow(gateway: GatewayFixture, method: str) -> None:
    async with gateway.session.request(method, f"{gateway.url}/graphql") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD, POST, OPTIONS"
        assert (await response.json())["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


async def test_options_has_allow(gateway: GatewayFixture) -> None:
    async with gateway.session.options(f"{gateway.url}/graphql") as response:
        assert response.status == 204
        assert response.headers["Allow"] == "GET, HEAD, POST, OPTIONS"


async def test_mutations_by_get_are_refused(gateway: GatewayFixture) -> None:
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
    answer = await gateway.execute("subscription { orderEvents { __typename } }", gateway.partner())
    assert answer["errors"] == [
        {"message": "Subscriptions go over WebSocket.", "extensions": {"code": "SOCKET_NEEDED"}}
    ]


async def test_one_of_several_operations_is_selected(gateway: GatewayFixture) -> None:
    query = "query a { me { username } } query b { me { id } }"
    answer = await gateway.execute(query, gateway.user())
    assert answer["errors"][0]["extensions"] == {"code": "UNKNOWN_OPERATION", "path": ["operationName"]}
    body = {"query": query, "operationName": "a"}
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(f"{gateway.url}/graphql", json=body, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}


@pytest.mark.parametrize(
    ("sent", "path", "expected"),
    [
        (b"null", [], "an object"),
        (b"[]", [], "an object"),
        (b'"{ me { id } }"', [], "an object"),
        (b"", [], NESTED_JSON),
        (b"{", [], NESTED_JSON),
        (b'{"query": "\xff"}', [], NESTED_JSON),
        (b'{"query": 1}', ["query"], "a text"),
        (b"{}", ["query"], "the text of an operation, or its id"),
        (b'{"query": "{ me { id } }", "variables": []}', ["variables"], "an object"),
        (b'{"query": "{ me { id } }", "operationName": {}}', ["operationName"], "a text"),
        (b'{"query": "{ me { id } }", "extensions": 0}', ["extensions"], "an object"),
        (b'{"query": "{ me { id } }", "variables": {"a": [1e400]}}', ["variables"], "numbers that fit into 64 bits"),
        (b'{"variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", [], NESTED_JSON),
    ],
)
async def test_an_invalid_body_is_refused_with_the_path(
    gateway: GatewayFixture, sent: bytes, path: list[str], expected: str
) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(f"{gateway.url}/graphql", data=sent, headers=headers) as response:
        assert response.status == 400
        extensions = (await response.json())["errors"][0]["extensions"]
        assert extensions == {"code": "INVALID_REQUEST", "path": path, "expected": expected}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("query=%ff", "a percent-encoded query in UTF-8"),
        ("query={me{id}}&query={me{id}}", "one value"),
        ("query={me{id}}&variables=1", "an object"),
        ("query={me{id}}&variables={", NESTED_JSON),
        ('query={me{id}}&variables={"a":{"b":1e400}}', "numbers that fit into 64 bits"),
        ("variables={}", "the text of an operation, or its id"),
    ],
)
async def test_an_invalid_query_string_is_refused(gateway: GatewayFixture, query: str, expected: str) -> None:
    url = URL(f"{gateway.url}/graphql?{query}", encoded=True)
    async with gateway.session.get(url, headers={"Authorization": f"Bearer {gateway.user()}"}) as response:
        assert response.status == 400
        extensions = (await response.json())["errors"][0]["extensions"]
        assert (extensions["code"], extensions["expected"]) == ("INVALID_REQUEST", expected)


async def test_the_status_of_an_invalid_operation_depends_on_the_media_type(gateway: GatewayFixture) -> None:
    headers = {"Accept": "application/graphql-response+json", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ nothing }"}, headers=headers
    ) as response:
        assert response.status == 400
        assert response.content_type == "application/graphql-response+json"
        assert "data" not in await response.json()
    assert (await gateway.execute("{ nothing }", gateway.user()))["status"] == 200


async def test_request_errors_are_counted_and_logged_by_code_only(
    gateway: GatewayFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    before = REGISTRY.get_sample_value("kierto_requests_rejected_total", {"code": "UNKNOWN_OPERATION"}) or 0.0
    body = {"query": "query a { me { id } }", "operationName": "Mirja Meikäläinen"}
    async with gateway.session.post(f"{gateway.url}/graphql", json=body) as response:
        assert (await response.json())["errors"][0]["extensions"]["code"] == "UNKNOWN_OPERATION"
    assert REGISTRY.get_sample_value("kierto_requests_rejected_total", {"code": "UNKNOWN_OPERATION"}) == before + 1
    logging.flush()
    output = capsys.readouterr().out
    assert "UNKNOWN_OPERATION" in output
    assert "Mirja" not in output


async def test_other_media_types_are_not_acceptable(gateway: GatewayFixture) -> None:
    headers = {"Accept": "image/png"}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ me { id } }"}, headers=headers
    ) as response:
        assert response.status == 406
        extensions = (await response.json())["errors"][0]["extensions"]
        assert extensions["accepted"] == ["application/graphql-response+json", "application/json"]


async def test_in_production_the_schema_is_for_staff_and_partners(server_addresses: Servers) -> None:
    introspection = "{ __schema { queryType { name } } }"
    async with run_gateway(server_addresses, env=Environment.PRODUCTION) as gateway:
        for writer in (gateway.staff(), gateway.partner(), gateway.staff()):
            assert (await gateway.execute(introspection, writer))["data"] == {
                "__schema": {"queryType": {"name": "Query"}}
            }
            assert "Did you mean 'me'" in (await gateway.execute("{ mee { id } }", writer))["errors"][0]["message"]
        for token in (None, gateway.user(), None, gateway.user()):
            answer = await gateway.execute(introspection, token)
            assert answer["errors"][0]["extensions"]["code"] == "INTROSPECTION_FORBIDDEN"
            assert "data" not in answer
            answer = await gateway.execute("{ mee { id } }", token)
            assert answer["errors"][0]["message"] == "Cannot query field 'mee' on type 'Query'."
            assert (await gateway.execute("{ __typename }", token))["data"] == {"__typename": "Query"}
