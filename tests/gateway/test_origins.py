"""Cross-origin requests: only pages of the allowed origins may send requests."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.gateway.gateway_fixture import PROTOCOL, GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

PORTAL = "https://portal.example"
QUERY = {"query": "{ me { username } }"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cors_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    async with run_gateway(server_addresses, allowed_origins=[PORTAL]) as gateway:
        yield gateway


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1", "nonsense"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_page_of_another_origin_is_refused(gateway: GatewayFixture, method: str, origin: str) -> None:
    headers = {"Origin": origin, "Authorization": f"Bearer {gateway.user()}"}
    arguments: dict[str, Any] = {"params": QUERY} if method == "GET" else {"json": QUERY}
    async with gateway.session.request(method, f"{gateway.url}/graphql", headers=headers, **arguments) as response:
        assert response.status == 403
        assert (await response.json())["errors"][0]["extensions"]["code"] == "CROSS_ORIGIN"
        assert "Access-Control-Allow-Origin" not in response.headers
    assert gateway.services.calls == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_an_image_on_another_site_is_refused(gateway: GatewayFixture, site: str) -> None:
    """A no-cors request has no ``Origin``, but ``Sec-Fetch-Site``."""
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    async with gateway.session.get(f"{gateway.url}/graphql", params=QUERY, headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_forms_media_types_are_refused(gateway: GatewayFixture, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    body = b'{"query": "{ me { username } }"}'
    async with gateway.session.post(f"{gateway.url}/graphql", data=body, headers=headers) as response:
        assert response.status == 415
        assert response.headers["Accept-Post"] == "application/json"


async def test_a_preflight_is_not_allowed(gateway: GatewayFixture) -> None:
    headers = {"Origin": PORTAL, "Access-Control-Request-Method": "POST"}
    async with gateway.session.options(f"{gateway.url}/graphql", headers=headers) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_the_gateways_own_pages_may_send_requests(gateway: GatewayFixture) -> None:
    headers = {"Origin": gateway.url, "Sec-Fetch-Site": "same-origin", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(f"{gateway.url}/graphql", json=QUERY, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}


async def test_pages_of_allowed_origins_may_send_requests(cors_gateway: GatewayFixture) -> None:
    preflight = {
        "Origin": PORTAL,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with cors_gateway.session.options(f"{cors_gateway.url}/graphql", headers=preflight) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == PORTAL
        assert "Access-Control-Allow-Credentials" not in response.headers
    headers = {"Origin": PORTAL, "Sec-Fetch-Site": "cross-site", "Authorization": f"Bearer {cors_gateway.user()}"}
    async with cors_gateway.session.post(f"{cors_gateway.url}/graphql", json=QUERY, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}
        assert response.headers["Access-Control-Allow-Origin"] == PORTAL
        assert "Origin" in response.headers["Vary"]


async def test_pages_of_other_origins_may_not(cors_gateway: GatewayFixture) -> None:
    headers = {"Origin": "https://portal.example.elsewhere.example"}
    async with cors_gateway.session.post(f"{cors_gateway.url}/graphql", json=QUERY, headers=headers) as response:
        assert response.status == 403


async def test_sockets_have_the_same_allowed_origins(cors_gateway: GatewayFixture) -> None:
    async with (
        cors_gateway.socket(cors_gateway.partner(), Origin=PORTAL),
        cors_gateway.socket(cors_gateway.partner(), Origin=cors_gateway.url),
    ):
        pass
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with cors_gateway.session.ws_connect(
            f"{cors_gateway.url}/graphql", protocols=[PROTOCOL], headers={"Origin": "https://elsewhere.example"}
        ):
            pass
    assert refused.value.status == 403
