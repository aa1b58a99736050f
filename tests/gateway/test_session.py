"""Sessions of browsers: tokens in a cookie that pages can't read and other sites can't use."""

import base64
import json
from typing import Any

import pytest

from services.chassis.runtime.settings import Environment
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

COOKIE, DEVICE = "kierto-session-0", "kierto-device-0"
RIGHT = {"username": "maija", "password": "right"}
SESSION, RENEW = "/auth/session", "/auth/session/renew"
CALLS = [("POST", SESSION), ("DELETE", SESSION), ("POST", RENEW)]


async def call(gateway: GatewayFixture, method: str, path: str, token: str = "", **more: Any) -> tuple[int, Any, Any]:
    """Return the status, body and headers of a response; a token is sent as the cookie."""
    headers = {"Accept-Language": "en", **({"Cookie": f"{COOKIE}={token}"} if token else {}), **more.pop("headers", {})}
    async with gateway.session.request(method, f"{gateway.url}{path}", headers=headers, **more) as response:
        return response.status, await response.json() if response.content_length else None, response.headers


async def test_signing_in_returns_the_access_token_and_sets_the_refresh_tokens_cookie(gateway: GatewayFixture) -> None:
    status, body, headers = await call(gateway, "POST", SESSION, json=RIGHT)
    assert status == 200
    assert body == {"accessToken": body["accessToken"], "expiresIn": 600}
    assert headers.getall("Set-Cookie") == [
        f"{COOKIE}=next; Max-Age=2592000; Path=/auth; HttpOnly; SameSite=Strict",
        f"{DEVICE}=known=; Max-Age=15552000; Path=/auth; HttpOnly; SameSite=Strict",
    ]
    assert headers["Cache-Control"] == "no-store"
    assert (await gateway.execute("{ me { username } }", body["accessToken"]))["data"] == {"me": {"username": "maija"}}


async def test_in_production_the_cookie_is_secure(server_addresses: Servers) -> None:
    async with run_gateway(server_addresses, env=Environment.PRODUCTION) as gateway:
        _, _, headers = await call(gateway, "POST", SESSION, json=RIGHT)
        assert headers.getall("Set-Cookie") == [
            "__Secure-kierto-session=next; Max-Age=2592000; Path=/auth; HttpOnly; SameSite=Strict; Secure",
            "__Secure-kierto-device=known=; Max-Age=15552000; Path=/auth; HttpOnly; SameSite=Strict; Secure",
        ]
        status, _, _ = await call(gateway, "POST", RENEW, headers={"Cookie": "__Secure-kierto-session=next"})
        assert status == 200
        status, _, _ = await call(gateway, "POST", RENEW, "next")
        assert status == 401, "a cookie that anybody could have set"


@pytest.mark.parametrize(
    ("given", "status", "error", "retry_after"),
    [
        (RIGHT | {"password": "wrong"}, 401, ("SIGN_IN_FAILED", "The username or the password is wrong."), None),
        (
            RIGHT | {"username": "often"},
            429,
            ("TOO_MANY_ATTEMPTS", "Too many attempts. Try again in 90 seconds."),
            "90",
        ),
        (
            RIGHT | {"username": "in a crowd"},
            503,
            ("OVERLOADED", "There is too much to do right now. Try again in 3 seconds."),
            "3",
        ),
    ],
)
async def test_identitys_refusal_is_presented(
    gateway: GatewayFixture, given: dict[str, str], status: int, error: tuple[str, str], retry_after: str | None
) -> None:
    answered, body, headers = await call(gateway, "POST", SESSION, json=given)
    (shown,) = body["errors"]
    assert (answered, (shown["extensions"]["code"], shown["message"])) == (status, error)
    assert headers.get("Retry-After") == retry_after
    assert ("WWW-Authenticate" in headers) == (status == 401)
    assert "Set-Cookie" not in headers
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"data": b'{"username": "maija"}', "type": "application/json"}, 400, "INVALID_REQUEST"),
        ({"data": b"null", "type": "application/json"}, 400, "INVALID_REQUEST"),
        ({"data": b'{"username": "\xff", "password": ""}', "type": "application/json"}, 400, "INVALID_REQUEST"),
        ({"data": b'{"x":' + b"[" * 9_900, "type": "application/json"}, 400, "INVALID_REQUEST"),
        ({"data": b" " * 10_001, "type": "application/json"}, 413, "TOO_LARGE"),
        ({"data": b'{"username": "maija", "password": "right"}', "type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"data": b"username=maija", "type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_a_malformed_request_is_refused_in_graphqls_form(
    gateway: GatewayFixture, sent: dict[str, Any], status: int, code: str
) -> None:
    headers = {"Content-Type": sent["type"]}
    answered, body, _ = await call(gateway, "POST", SESSION, data=sent["data"], headers=headers)
    assert (answered, body["errors"][0]["extensions"]["code"]) == (status, code)
    assert gateway.services.calls_to("sign_in") == []


async def test_the_cookie_renews_the_session(gateway: GatewayFixture) -> None:
    status, body, headers = await call(gateway, "POST", RENEW, "next")
    assert (status, body["expiresIn"]) == (200, 600)
    assert headers["Set-Cookie"].startswith(f"{COOKIE}=next; Max-Age=2592000; ")
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        (f"{COOKIE}=next; {DEVICE}=a_name.123.abc-d=", "a_name.123.abc-d="),
        (f"{DEVICE}=", ""),
        (f"{DEVICE}={'x' * 201}", ""),
        (f'{DEVICE}="a\\"b"', ""),
        ("__Secure-kierto-device=another", ""),
    ],
    ids=["known", "empty", "too long for one", "none that was given out", "by another name"],
)
async def test_identity_gets_the_devices_token(gateway: GatewayFixture, cookie: str, token: str) -> None:
    status, _, _ = await call(gateway, "POST", SESSION, json=RIGHT, headers={"Cookie": cookie})
    assert status == 200
    (sign_in_call,) = gateway.services.calls_to("sign_in")
    assert sign_in_call.arguments["device_token"] == token


async def test_the_devices_cookie_outlives_the_session(gateway: GatewayFixture) -> None:
    for method, path in (("POST", RENEW), ("DELETE", SESSION)):
        _, _, headers = await call(gateway, method, path, "next")
        (set_cookie,) = headers.getall("Set-Cookie")
        assert set_cookie.startswith(f"{COOKIE}=")


async def test_an_ended_sessions_cookie_is_cleared(gateway: GatewayFixture) -> None:
    status, body, headers = await call(gateway, "POST", RENEW, "used long ago")
    assert (status, body["errors"][0]["extensions"]["code"]) == (401, "SESSION_ENDED")
    assert headers["Set-Cookie"] == f"{COOKIE}=; Max-Age=0; Path=/auth; HttpOnly; SameSite=Strict"


async def test_without_a_cookie_renewal_is_unauthenticated(gateway: GatewayFixture) -> None:
    status, body, headers = await call(gateway, "POST", RENEW)
    assert (status, body["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert "Set-Cookie" not in headers
    assert gateway.services.calls == []


async def test_signing_out_needs_the_cookie_only(gateway: GatewayFixture) -> None:
    """A page that was just loaded has no access token."""
    status, _, headers = await call(gateway, "DELETE", SESSION, "next")
    assert status == 204
    assert headers["Set-Cookie"] == f"{COOKIE}=; Max-Age=0; Path=/auth; HttpOnly; SameSite=Strict"
    assert headers["Cache-Control"] == "no-store"
    (sign_in_call,) = gateway.services.calls_to("sign_out_with")
    assert sign_in_call.arguments == {"refresh_token": "next"}
    assert (await call(gateway, "DELETE", SESSION))[0] == 204


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_an_unavailable_identity_keeps_the_cookie(gateway: GatewayFixture, method: str, path: str) -> None:
    gateway.services.unavailable.add("identity")
    sent = {"json": RIGHT} if (method, path) == ("POST", SESSION) else {}
    status, body, headers = await call(gateway, method, path, "next", **sent)
    assert status == 500
    assert body["errors"][0]["extensions"]["traceId"]
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_pages_of_other_origins_are_refused(
    gateway: GatewayFixture, method: str, path: str, headers: dict[str, str]
) -> None:
    sent = {"json": RIGHT} if (method, path) == ("POST", SESSION) else {}
    status, body, answered = await call(gateway, method, path, "next", headers=headers, **sent)
    assert (status, body["errors"][0]["extensions"]["code"]) == (403, "CROSS_ORIGIN")
    assert body["errors"][0]["message"] == "This page may not ask here."
    assert "Set-Cookie" not in answered
    assert gateway.services.calls == []


async def test_the_gateways_own_page_is_allowed(gateway: GatewayFixture) -> None:
    headers = {"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    assert (await call(gateway, "POST", RENEW, "next", headers=headers))[0] == 200


async def test_refusals_are_in_the_callers_language(gateway: GatewayFixture) -> None:
    _, body, _ = await call(gateway, "POST", RENEW, "over", headers={"Accept-Language": "sv"})
    assert body["errors"][0]["message"] == "Din session har avslutats. Logga in på nytt."


@pytest.mark.parametrize(("method", "path", "allowed"), [("GET", SESSION, "POST, DELETE"), ("PUT", RENEW, "POST")])
async def test_other_methods_are_refused(gateway: GatewayFixture, method: str, path: str, allowed: str) -> None:
    status, body, headers = await call(gateway, method, path)
    assert (status, headers["Allow"]) == (405, allowed)
    assert body["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


async def test_identity_gets_the_clients_address(server_addresses: Servers) -> None:
    """Identity counts attempts by address."""
    async with run_gateway(server_addresses, trusted_proxies=["127.0.0.0/8"]) as gateway:
        await call(gateway, "POST", SESSION, json=RIGHT, headers={"X-Forwarded-For": "192.0.2.7"})
        (sign_in_call,) = gateway.services.calls_to("sign_in")
        assert sign_in_call.headers["x-forwarded-for"] == "192.0.2.7"
        assert sign_in_call.headers["kierto-service-token"].count(".") == 2


async def test_the_gateways_own_token_is_sent_in_anonymous_calls_of_identity_only(
    gateway: GatewayFixture,
) -> None:
    """Also in anonymous operations of a caller with a token."""
    token = gateway.user()
    await gateway.execute('mutation { signIn(input: {username: "maija", password: "right"}) { __typename } }', token)
    await gateway.execute("{ me { id } sites { edges { node { id } } } }", token)
    tokens = {one.operation: one.headers.get("kierto-service-token", "") for one in gateway.services.calls}
    _, payload, _ = tokens["sign_in"].split(".")
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"] == "service:gateway"
    assert (tokens["me"], tokens["sites"]) == ("", "")
