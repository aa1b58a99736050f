"""Errors leave no reference cycles: a request's body is freed without the cyclic garbage collector."""

import asyncio
import gc
import json
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message

from gateway.http.graphql_endpoint import MAX_BODY
from services.chassis.http.server.endpoint import EndpointRequest
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = 900_000
TIMES = 5


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def unlimited_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    """A gateway with unlimited quotas."""
    quotas = {"stranger": 10**12, "user": 10**12, "staff": 10**12, "partner": 10**12}
    async with run_gateway(server_addresses, quotas=quotas) as gateway:
        gc.collect()
        gc.freeze()  # existing objects need not be traversed each time
        yield gateway
        gc.unfreeze()


@pytest.fixture(autouse=True)
def production_logging() -> Iterator[None]:
    """Log as production does: the developers' format reads all values of a traceback."""
    render: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(processors=render, logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


def body(query: str | None = "{ me { id } }", variables: Any = None, **rest: Any) -> bytes:
    """Return the body of a request that is nearly as large as allowed."""
    request = {"query": query, "variables": variables, **rest}
    padding = "x" * (LONG - len(json.dumps(request)))
    return json.dumps({**request, "extensions": {"padding": padding}}).encode()


NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
REPORT = "mutation ($input: ReportPickupsInput!) { reportPickups(input: $input) { __typename } }"

REFUSED: dict[str, tuple[str, bytes]] = {
    "a list with a wrong item": ("INVALID_OPERATION", body(NODES, {"ids": [*range(500), {}]})),
    "a list of wrong items": ("INVALID_OPERATION", body(NODES, {"ids": [{}] * 500})),
    "a long text": ("INVALID_OPERATION", body(NODES, {"ids": {"x": "x" * 150_000}})),
    "an input with too much": ("INVALID_OPERATION", body(REPORT, {"input": {f"a{one}": 1 for one in range(500)}})),
    "wrong values of scalars": (
        "INVALID_OPERATION",
        body(REPORT, {"input": {"reports": [{"at": "x", "grams": "x"}] * 99}}),
    ),
    "no variables": ("INVALID_OPERATION", body(NODES)),
    "nested too deeply": ("INVALID_REQUEST", b'{"query":' + b"[" * LONG),
    "long variables": ("LIMIT_EXCEEDED", body(NODES, {"ids": ["x" * 300_000]})),
    "many items": ("LIMIT_EXCEEDED", body(NODES, {"ids": ["x"] * 2_000})),
    "too dear": (
        "LIMIT_EXCEEDED",
        body("query($n:Int!){sites(first:$n){edges{node{agreements(first:$n){edges{cursor}}}}}}", {"n": 9000}),
    ),
    "a long operation": ("LIMIT_EXCEEDED", body("{ me { id } } #" + "x" * 200_000)),
    "no grammar": ("INVALID_OPERATION", body("{ me { ")),
    "not valid": ("INVALID_OPERATION", body("{ me { idd } sitess }")),
    "not valid in many ways": ("INVALID_OPERATION", body("{ me { " + " ".join(f"a{n}" for n in range(99)) + " } }")),
    "no operation": ("UNKNOWN_OPERATION", body(operationName="none")),
    "a subscription": ("SOCKET_NEEDED", body("subscription { orderEvents { __typename } }")),
    "an unknown document": ("PERSISTED_QUERY_NOT_FOUND", body(None, documentId="sha256:" + "0" * 64)),
    "no JSON": ("INVALID_REQUEST", b"{" + b"x" * LONG),
    "another form": ("INVALID_REQUEST", body(variables=[1, 2])),
    "no UTF-8": ("INVALID_REQUEST", b'{"query": "\xff' + b"x" * LONG + b'"}'),
    "too large": ("TOO_LARGE", b" " * (MAX_BODY + 1)),
    "an argument that is null": (
        "INVALID_OPERATION",
        body("query ($n: SiteOrderField = CITY) { sites(order: {field: $n}) { totalCount } }", {"n": None}),
    ),
    "a switch that is null": (
        "INVALID_OPERATION",
        body("query ($n: Boolean = true) { me @skip(if: $n) { id } }", {"n": None}),
    ),
    "what a service refuses": ("MALFORMED", body('{ sites(first: 1, after: "none") { totalCount } }')),
    "a service that fails": ("UNEXPECTED", body("{ orders { totalCount } tickets { totalCount } }")),
}


async def ask(app: ASGIApp, path: str, sent: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
    """Return the status and the response of a POST, by ASGI."""
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    answered = bytearray()
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(bytearray(sent))}  # a copy, as of a received body

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        answered.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, json.loads(answered)


async def measure_leak(ask: Callable[[], Awaitable[Any]]) -> tuple[int, Counter[str]]:
    """Return the bytes that a few requests leave, and the objects that only the cyclic garbage collector frees."""
    for _ in range(3):
        await ask()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(TIMES):
            await ask()
        await asyncio.sleep(0.01)  # the loop closes abandoned generators
        after, _ = tracemalloc.get_traced_memory()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        garbage = Counter(type(one).__name__ for one in gc.garbage)
    finally:
        tracemalloc.stop()
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.collect()
    return after - before, garbage


async def check_no_leak(once: Callable[[], Awaitable[Any]]) -> None:
    """Fail if a body is left, or an exception in a cycle with its frames."""
    size, garbage = await measure_leak(once)
    assert size < LONG, "no body is held"
    assert not {"frame", "traceback", "EndpointRequest"} & garbage.keys(), garbage


@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_error(unlimited_gateway: GatewayFixture, name: str) -> None:
    code, sent = REFUSED[name]
    unlimited_gateway.services.unavailable = {"orders", "support"}

    async def once() -> None:
        _, answer = await ask(unlimited_gateway.endpoint, "/graphql", sent, unlimited_gateway.user())
        assert answer["errors"][0]["extensions"]["code"] == code, answer

    await check_no_leak(once)


async def test_a_request_with_an_invalid_token(unlimited_gateway: GatewayFixture) -> None:
    async def once() -> None:
        status, _ = await ask(unlimited_gateway.endpoint, "/graphql", body(), "a.bad.token")
        assert status == 401

    await check_no_leak(once)


async def test_a_request_that_the_server_hands_over(unlimited_gateway: GatewayFixture) -> None:
    sent = REFUSED["a list of wrong items"][1]
    fields = {b"content-type": b"application/json", b"authorization": b"Bearer " + unlimited_gateway.user().encode()}
    request = EndpointRequest("POST", b"", list(fields.items()), fields, ("127.0.0.1", 1))

    async def once() -> None:
        answer = await unlimited_gateway.endpoint.answer(request, bytes(bytearray(sent)))
        assert b"INVALID_OPERATION" in answer.body

    await check_no_leak(once)


CALLS: dict[str, tuple[int, str, bytes]] = {
    "no JSON": (400, "user", b"{" * LONG),
    "another form": (400, "user", json.dumps({"ids": [*["x"] * 100_000, 1]}).encode()),
    "too large": (400, "user", b" " * 9_000_000),
    "no token": (401, "", b" " * LONG),
    "an unexpected error": (500, "user", b" " * LONG + b'{"ids": ["site_1"]}'),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_that_a_service_refuses(unlimited_gateway: GatewayFixture, name: str) -> None:
    expected, who, sent = CALLS[name]
    unlimited_gateway.services.unavailable = {"sites"}
    app = Starlette(routes=unlimited_gateway.services.routes())

    async def once() -> None:
        status, answer = await ask(app, "/sites/rpc/sitesById", sent, unlimited_gateway.user() if who else None)
        assert status == expected, answer
        unlimited_gateway.services.calls.clear()

    await check_no_leak(once)
