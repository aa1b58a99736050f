"""The charges of the resources beside ``/graphql``, and the refusal of a spent quota."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gateway import messages
from services.contracts.identity.people import Language
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGN_IN = {"json": {"username": "maija", "password": "right"}}
FORM = {"data": {"grant_type": "client_credentials", "client_id": "routes", "client_secret": "a secret"}}
FILE = {"data": b"a,b\n1,2\n", "headers": {"Content-Type": "text/csv"}}
RESOURCES = [
    ("stranger", "POST", "/auth/session", SIGN_IN, 200),
    ("stranger", "POST", "/auth/session/renew", {}, 401),
    ("stranger", "DELETE", "/auth/session", {}, 204),
    ("stranger", "GET", "/graphql/examples.json", {}, 200),
    ("stranger", "GET", "/schema.graphql", {}, 200),
    ("user", "GET", "/schema.json", {}, 200),
    ("partner", "GET", "/schema.graphql", {}, 200),
    ("staff", "POST", "/files/sites/import-sites?name=a", FILE, 201),
    ("stranger", "GET", "/files/sites/file_1?token=of+sites", {}, 200),
    ("user", "POST", "/files/sites/import-sites?name=a", FILE, 403),
    ("stranger", "POST", "/files/sites/import-sites?name=a", FILE, 401),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def zero_quota_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with quotas below the cost of the cheapest resource."""
    async with run_gateway(
        server_addresses, quotas=dict.fromkeys(("stranger", "user", "staff", "partner"), 9)
    ) as gateway:
        yield gateway


async def ask(
    gateway: GatewayFixture, who: str, method: str, path: str, more: Mapping[str, Any]
) -> tuple[aiohttp.ClientResponse, object]:
    tokens = {"user": gateway.user, "staff": gateway.staff, "partner": gateway.partner}
    headers: dict[str, str] = {"Accept-Language": "en", **more.get("headers", {})}
    if who in tokens:
        headers["Authorization"] = f"Bearer {tokens[who]()}"
    async with gateway.session.request(method, f"{gateway.url}{path}", **{**more, "headers": headers}) as response:
        json = response.status >= 400 or path == "/auth/token"
        return response, await response.json() if json else await response.read()


@pytest.mark.parametrize(("who", "method", "path", "more", "status"), RESOURCES)
async def test_each_resource_is_charged_and_has_rate_limit_fields(
    gateway: GatewayFixture, who: str, method: str, path: str, more: Mapping[str, Any], status: int
) -> None:
    response, _ = await ask(gateway, who, method, path, more)
    assert response.status == status
    assert response.headers["RateLimit-Policy"].startswith(f'"{who}";q=')
    assert response.headers["RateLimit"].startswith(f'"{who}";r=')


@pytest.mark.parametrize(("who", "method", "path", "more", "_"), RESOURCES)
async def test_a_spent_quota_is_refused_with_retry_after(
    zero_quota_gateway: GatewayFixture, who: str, method: str, path: str, more: Mapping[str, Any], _: int
) -> None:
    zero_quota_gateway.services.calls.clear()
    response, answer = await ask(zero_quota_gateway, who, method, path, more)
    seconds = int(response.headers["Retry-After"])
    text = messages.text("RATE_LIMITED", Language.EN, {"seconds": str(seconds)})
    errors = [{"message": text, "extensions": {"code": "RATE_LIMITED", "seconds": seconds}}]
    assert (response.status, answer) == (429, {"errors": errors})
    assert response.headers["RateLimit"].startswith(f'"{who}";r=')
    assert (zero_quota_gateway.services.calls, zero_quota_gateway.services.uploads) == ([], [])


async def test_the_token_endpoint_refuses_in_the_form_of_oauth(
    gateway: GatewayFixture, zero_quota_gateway: GatewayFixture
) -> None:
    assert (await ask(gateway, "stranger", "POST", "/auth/token", FORM))[0].status == 200
    response, answer = await ask(zero_quota_gateway, "stranger", "POST", "/auth/token", FORM)
    expected = {"error": "temporarily_unavailable", "error_description": "too much in a short time"}
    assert (response.status, answer) == (429, expected)
    assert int(response.headers["Retry-After"]) > 0
    assert zero_quota_gateway.services.calls == []
