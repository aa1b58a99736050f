"""The limits of an operation, and the quota of a minute."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.chassis.ids import new_uuid, write_id
from services.contracts.permission import SubjectKind
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def low_quota_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with low quotas."""
    quotas = {"stranger": 2_000, "user": 2_000, "staff": 2_000, "partner": 2_000}
    async with run_gateway(server_addresses, quotas=quotas) as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("{ " + "me { id } " * 1000 + "}", "tokens"),
        ("{ me { " + " ".join(f"a{one}: id" for one in range(60)) + " } }", "aliases"),
        ("{ " + " ".join(f"a{one}: me {{ id }}" for one in range(30)) + " }", "rootFields"),
        ("{ me { " + "id @skip(if: false) " * 60 + "} }", "directives"),
        ('query ($a: String = "' + "x" * 60_000 + '") { me { id } }', "text"),
        ("{ me { id(a: " + "[" * 60 + "]" * 60 + ") } }", "nesting"),
    ],
)
async def test_an_excessive_operation_is_refused_with_the_limit(
    gateway: GatewayFixture, query: str, limit: str
) -> None:
    answer = await gateway.execute(query, gateway.user())
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["limit"] == limit
    assert error["extensions"]["value"] > error["extensions"]["allowed"]
    assert f"{error['extensions']['allowed']:,}" in error["message"]
    assert gateway.services.calls == []


async def test_an_expensive_operation_is_refused_before_any_call(gateway: GatewayFixture) -> None:
    query = "{ sites(first: 10000) { edges { node { agreements { edges { node { id } } } } } } }"
    answer = await gateway.execute(query, gateway.user())
    assert answer["errors"][0]["extensions"]["limit"] == "cost"
    assert gateway.services.calls == []


async def test_large_variables_are_refused(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("{ me { id } }", gateway.user(), padding="x" * 300_000)
    assert answer["errors"][0]["extensions"]["limit"] == "variables"


async def test_long_lists_in_variables_are_refused_before_coercion(gateway: GatewayFixture) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    answer = await gateway.execute(query, gateway.user(), ids=[*range(5_000), {}])
    (error,) = answer["errors"]
    expected = {"code": "LIMIT_EXCEEDED", "limit": "items", "allowed": 1000, "value": 5001}
    assert error["extensions"] == expected
    assert "1,000" in error["message"]
    assert gateway.services.calls == []


async def test_over_sockets_too(gateway: GatewayFixture) -> None:
    # Another test spends the quota of the usual user, perhaps at the same time.
    token = gateway.services.identity.token(write_id("user", new_uuid()), SubjectKind.USER)
    async with gateway.socket(token) as socket:
        payload = {"query": "{ " + "me { id } " * 1000 + "}"}
        await socket.connection.send_json({"id": "1", "type": "subscribe", "payload": payload})
        message = await socket.next_message()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["limit"] == "tokens"


async def exhaust_quota(gateway: GatewayFixture) -> dict[str, Any]:
    """Spend the quota, and return an error whose wait is longer than the rest of a test.

    A wait of one second is not enough: the next lease, or the next minute, may come.
    """
    while True:
        answer = await gateway.execute("{ me { username } }", gateway.user())
        assert answer["headers"]["RateLimit-Policy"] == '"user";q=2000;w=60'
        assert answer["headers"]["RateLimit"].startswith('"user";r=')
        if answer["status"] == 429 and int(answer["headers"]["Retry-After"]) > 2:
            return answer


async def test_a_spent_quota_is_refused_with_retry_after(low_quota_gateway: GatewayFixture) -> None:
    answer = await exhaust_quota(low_quota_gateway)
    extensions = answer["errors"][0]["extensions"]
    assert extensions == {"code": "RATE_LIMITED", "seconds": int(answer["headers"]["Retry-After"])}
    assert extensions["seconds"] <= 60
    assert (await low_quota_gateway.execute("{ me { username } }", low_quota_gateway.staff()))["status"] == 200, (
        "others are not meant"
    )
    async with low_quota_gateway.socket(low_quota_gateway.user()) as socket:
        await socket.connection.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{ me { id } }"}})
        message = await socket.next_message()
        assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED", json.dumps(message)
