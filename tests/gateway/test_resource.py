"""Resources: every error of a handler is in GraphQL's form and not cached."""

from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from gateway.errors import RequestError
from gateway.http.resource import resource
from services.chassis.problems import Forbidden, NotReadyYet, Unauthenticated
from services.chassis.rpc.channel import CallFailed
from tests.gateway.gateway_fixture import serve_application


async def response_to(end: Exception | None, method: str = "GET") -> tuple[int, Any, str]:
    """Return the status, headers and body of a handler that raises or returns."""

    async def look_at_it(_: Request) -> Response:
        if end is not None:
            raise end
        return PlainTextResponse("here")

    async with (
        serve_application(Starlette(routes=[resource("/it", GET=look_at_it)])) as url,
        aiohttp.ClientSession(headers={"Accept-Language": "en"}) as session,
        session.request(method, f"{url}/it") as response,
    ):
        return response.status, response.headers, await response.text()


async def test_a_handler_that_returns() -> None:
    status, headers, body = await response_to(None)
    assert (status, body) == (200, "here")
    assert "Cache-Control" not in headers
    assert (await response_to(None, "HEAD"))[0] == 200


@pytest.mark.parametrize(
    ("end", "status", "extensions", "sent"),
    [
        (RequestError(413, "TOO_LARGE", limit=5), 413, '{"code":"TOO_LARGE","limit":5}', {}),
        (Unauthenticated(), 401, '{"code":"UNAUTHENTICATED"}', {"WWW-Authenticate": 'Bearer realm="kierto"'}),
        (Forbidden(), 403, '{"code":"FORBIDDEN"}', {}),
        (NotReadyYet(), 503, '{"code":"NOT_READY_YET"}', {"Retry-After": "1"}),
        (CallFailed("identity", 503, "UNAVAILABLE", []), 503, '{"code":"UNAVAILABLE"}', {"Retry-After": "1"}),
        (
            CallFailed("sites", 401, "UNAUTHENTICATED", []),
            401,
            '{"code":"UNAUTHENTICATED"}',
            {"WWW-Authenticate": 'Bearer realm="kierto"'},
        ),
        (CallFailed("sites", 404, "NOT_FOUND", ["id"]), 404, '{"code":"NOT_FOUND","path":["id"]}', {}),
        (CallFailed("identity", 504, "TIMED_OUT", []), 504, '{"code":"UNAVAILABLE"}', {}),
        (
            CallFailed("identity", 400, "MALFORMED", ["username"], {"expected": "a name"}),
            400,
            '{"code":"MALFORMED","expected":"a name","path":["username"]}',
            {},
        ),
    ],
)
async def test_an_expected_error_is_presented(
    end: Exception, status: int, extensions: str, sent: dict[str, str]
) -> None:
    answered, headers, body = await response_to(end)
    assert answered == status
    assert body.endswith(f'"extensions":{extensions}}}]}}')
    assert {name: headers[name] for name in ("Cache-Control", *sent)} == {"Cache-Control": "no-store", **sent}
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("end", [RuntimeError("a secret"), CallFailed("identity", 500, "UNEXPECTED", [])])
async def test_an_unexpected_error_is_masked(end: Exception) -> None:
    status, _, body = await response_to(end)
    assert status == 500
    assert '"code":"UNEXPECTED","traceId":"' in body
    assert "secret" not in body


async def test_a_disconnected_client_gets_no_response() -> None:
    assert (await response_to(ClientDisconnect()))[0] == 499


async def test_an_unsupported_method() -> None:
    status, headers, body = await response_to(None, "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert '"code":"METHOD_NOT_ALLOWED"' in body
