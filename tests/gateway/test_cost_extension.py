"""``extensions.cost``: the units of an operation, for callers that ask for them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = "{ me { username } }"


async def post(gateway: GatewayFixture, token: str, extensions: Any) -> tuple[Mapping[str, str], dict[str, Any]]:
    """Return the header fields and the body of an answer."""
    headers = {"Authorization": f"Bearer {token}"}
    body = {"query": QUERY, "extensions": extensions}
    async with gateway.session.post(f"{gateway.url}/graphql", json=body, headers=headers) as response:
        return response.headers, await response.json()


async def test_a_caller_that_asks_gets_the_cost(gateway: GatewayFixture) -> None:
    headers, body = await post(gateway, gateway.user(), {"cost": True})
    cost = body["extensions"]["cost"]
    assert cost.keys() == {"requested", "actual", "available", "restoreRate"}
    assert cost["actual"] > cost["requested"] > 0, "bytes are paid, too"
    assert f";r={cost['available']};" in headers["RateLimit"]
    quota = headers["RateLimit-Policy"].partition("q=")[2].partition(";")[0]
    assert cost["restoreRate"] == int(quota) // 60


async def test_what_was_charged_is_the_actual_cost(gateway: GatewayFixture) -> None:
    token = gateway.user()
    await post(gateway, token, {"cost": True})
    _, before = await post(gateway, token, {"cost": True})
    _, after = await post(gateway, token, {"cost": True})
    cost = after["extensions"]["cost"]
    assert before["extensions"]["cost"]["available"] - cost["available"] == cost["actual"]


@pytest.mark.parametrize("extensions", [None, {}, {"cost": False}, {"cost": None}])
async def test_others_do_not(gateway: GatewayFixture, extensions: Any) -> None:
    _, body = await post(gateway, gateway.user(), extensions)
    assert body.keys() == {"data"}


async def test_another_value_than_a_boolean_is_refused(gateway: GatewayFixture) -> None:
    _, body = await post(gateway, gateway.user(), {"cost": "yes"})
    (error,) = body["errors"]
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_REQUEST", ["extensions", "cost"])


async def test_an_answer_to_get_never_has_it(gateway: GatewayFixture) -> None:
    parameters = urlencode({"query": QUERY, "extensions": '{"cost":true}'})
    headers = {"Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.get(f"{gateway.url}/graphql?{parameters}", headers=headers) as response:
        assert "ETag" in response.headers
        assert (await response.json()).keys() == {"data"}
