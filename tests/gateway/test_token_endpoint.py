"""The token endpoint of client credentials (RFC 6749), for partners."""

import base64
from typing import Any

import pytest

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {"grant_type": "client_credentials", "client_id": "routes", "client_secret": "a secret"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


async def post(
    gateway: GatewayFixture, form: Any, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], Any]:
    async with gateway.session.post(f"{gateway.url}/auth/token", data=form, headers=headers) as response:
        return response.status, await response.json(), response.headers


async def test_credentials_in_the_body(gateway: GatewayFixture) -> None:
    status, body, headers = await post(gateway, FORM | {"scope": "orders:subscribe"})
    assert status == 200
    assert {**body, "access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "orders:subscribe",
    }
    assert headers["Cache-Control"] == "no-store"
    answer = await gateway.execute("{ me { id } }", body["access_token"])
    assert answer["status"] == 200


async def test_credentials_by_basic_authentication(gateway: GatewayFixture) -> None:
    status, body, _ = await post(gateway, {"grant_type": "client_credentials"}, basic("routes:a+secret"))
    assert status == 200
    assert body["token_type"] == "Bearer"
    (call,) = gateway.services.calls_to("client_token")
    assert call.arguments["client_secret"] == "a secret"


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        (FORM | {"client_secret": "wrong"}, None, 401, "invalid_client"),
        (FORM | {"client_id": "service:orders"}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, basic("routes:wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic ???"}, 401, "invalid_client"),
        (FORM, basic("routes:a+secret"), 400, "invalid_request"),
        (FORM | {"scope": "everything"}, None, 400, "invalid_scope"),
        (FORM | {"grant_type": "password"}, None, 400, "unsupported_grant_type"),
        ({}, None, 400, "invalid_request"),
        ("a=1&a=2", {"Content-Type": "application/x-www-form-urlencoded"}, 400, "invalid_request"),
        ("%ff=ä", {"Content-Type": "application/x-www-form-urlencoded"}, 400, "invalid_request"),
        ("{}", {"Content-Type": "application/json"}, 400, "invalid_request"),
        (FORM | {"padding": "x" * 10_000}, None, 413, "invalid_request"),
    ],
)
async def test_errors_are_in_the_form_of_the_rfc(
    gateway: GatewayFixture, form: Any, headers: dict[str, str] | None, status: int, error: str
) -> None:
    answered, body, sent = await post(gateway, form, headers)
    assert (answered, body["error"]) == (status, error)
    assert sent["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in sent) == (status == 401 and headers is not None)


async def test_an_unavailable_identity_is_no_invalid_client(gateway: GatewayFixture) -> None:
    gateway.services.unavailable.add("identity")
    status, body, _ = await post(gateway, FORM)
    assert (status, body["error"]) == (503, "temporarily_unavailable")
