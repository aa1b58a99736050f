"""Calls: routes and client of one Protocol agree, and errors are problem details."""

from typing import Annotated, Protocol

import aiohttp
import msgspec
import pytest
from starlette.requests import Request

from services.chassis.http.client.origin import Origin
from services.chassis.problems import Forbidden, MalformedInput, NotReadyYet, Unauthenticated
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.openapi import openapi
from services.chassis.rpc.server import routes
from services.chassis.rpc.signature import MAX_BODY_BYTES, signatures
from services.chassis.rpc.text_limits import limited_fields
from services.contracts.declare import open_read, public_write, read, write
from services.contracts.identity.operations import Identity
from services.contracts.orders.operations import Orders
from services.contracts.permission import PEOPLE
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support.operations import Support
from services.contracts.values import Outcome, Refusal, TextLimit, Value, refuse
from tests.support.http_server import serve_routes
from tests.support.permit import PermitAll


class Sum(Outcome, frozen=True, kw_only=True):
    total: int


class NameIt(Value, frozen=True, kw_only=True):
    short_name: Annotated[str, TextLimit(100)]


class Sums(Protocol):
    """Adds up."""

    @read(PEOPLE)
    async def add_up(self, numbers: list[int], also: int = 0) -> Sum | Refusal:
        """Add numbers up."""
        ...

    @write(PEOPLE)
    async def fail(self, how: str) -> Sum: ...

    @open_read
    async def who_am_i(self) -> str: ...

    @public_write
    async def name(self, command: NameIt) -> Sum | Refusal: ...

    @open_read
    async def find(self, text: Annotated[str, TextLimit(100)]) -> list[str]: ...


class SumsImplementation:
    def __init__(self, caller: str) -> None:
        self._caller = caller

    async def name(self, command: NameIt) -> Sum | Refusal:
        assert len(command.short_name) <= 100, "judged before"
        return Sum(total=len(command.short_name))

    async def find(self, text: str) -> list[str]:
        return [text]

    async def add_up(self, numbers: list[int], also: int = 0) -> Sum | Refusal:
        return Sum(total=sum(numbers) + also) if numbers else refuse("NOTHING_TO_ADD", "numbers")

    async def fail(self, how: str) -> Sum:
        raise {
            "forbidden": Forbidden(),
            "malformed": MalformedInput("how", expected="a number"),
            "not ready": NotReadyYet(),
            "away": ConnectionError(),
        }.get(how, RuntimeError("secret inside"))

    async def who_am_i(self) -> str:
        return self._caller


async def authenticate(request: Request) -> str:
    if request.headers.get("authorization") != "Bearer good":
        raise Unauthenticated
    return "somebody"


async def anonymous(request: Request) -> str:
    return "anonymous"


ROUTES = routes(Sums, SumsImplementation, authenticate, anonymous, PermitAll())
GOOD = {"Authorization": "Bearer good"}


async def test_arguments_and_results_are_typed() -> None:
    async with serve_routes(ROUTES) as url, Origin(url) as origin:
        sums = client(Sums, ServiceChannel("sums", origin), GOOD)
        assert await sums.add_up([1, 2], also=3) == Sum(total=6)
        refused = await sums.add_up([])
        assert isinstance(refused, Refusal)
        assert (refused.problems[0].code, refused.problems[0].path) == ("NOTHING_TO_ADD", ["numbers"])
        assert await client(Sums, ServiceChannel("sums", origin), {}).who_am_i() == "anonymous"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("forbidden", 403, "FORBIDDEN"),
        ("malformed", 400, "MALFORMED"),
        ("not ready", 503, "NOT_READY_YET"),
        ("away", 503, "UNAVAILABLE"),
        ("otherwise", 500, "UNEXPECTED"),
    ],
)
async def test_a_failure_has_its_code_and_no_internals(how: str, status: int, code: str) -> None:
    async with serve_routes(ROUTES) as url, aiohttp.ClientSession() as session, Origin(url) as origin:
        with pytest.raises(CallFailed) as caught:
            await client(Sums, ServiceChannel("sums", origin), GOOD).fail(how)
        assert (caught.value.status, caught.value.code) == (status, code)
        async with session.post(f"{url}/rpc/fail", json={"how": how}, headers=GOOD) as response:
            body = await response.read()
        assert response.content_type == "application/problem+json"
        assert b"secret" not in body
        assert len(msgspec.json.decode(body)["traceId"]) == 32


async def test_without_a_token_a_call_is_unauthenticated() -> None:
    async with serve_routes(ROUTES) as url, Origin(url) as origin:
        with pytest.raises(CallFailed) as caught:
            await client(Sums, ServiceChannel("sums", origin), {}).add_up([1])
        assert (caught.value.status, caught.value.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", []),
        (b"not json", []),
        (b'{"numbers": "many"}', ["numbers"]),
        (b'{"numbers": [1, "two"]}', ["numbers", "1"]),
        (b'{"numbers": [1], "others": 2}', []),
        (b"[" * 100_000, []),
        (b"\xff\xfe", []),
        (b'{"numbers": [], "\xed\xa0\x80": 1}', []),
        (b'{"numbers": [1], "also": "\xed\xa0\x80"}', ["also"]),
    ],
)
async def test_bad_input_is_malformed_and_names_the_field(body: bytes, path: list[str]) -> None:
    async with serve_routes(ROUTES) as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/rpc/addUp", data=body, headers=GOOD) as response:
            problem = msgspec.json.decode(await response.read())
        assert (response.status, problem["code"]) == (400, "MALFORMED")
        assert problem.get("path", []) == path


@pytest.mark.parametrize(
    ("text", "reason"), [("a" * 101, "TOO_LONG"), ("a\u0301" * 51, "TOO_LONG"), ("\0", "CHARACTERS")]
)
async def test_a_text_beyond_its_limit_reaches_no_operation(text: str, reason: str) -> None:
    async with serve_routes(ROUTES) as url, Origin(url) as origin:
        sums = client(Sums, ServiceChannel("sums", origin), {})
        refused = await sums.name(NameIt(short_name=text))
        assert isinstance(refused, Refusal)
        (problem,) = refused.problems
        assert (problem.code, problem.path, problem.params["reason"]) == ("MALFORMED", ["shortName"], reason)
        with pytest.raises(CallFailed) as caught:
            await sums.find(text)
        failure = caught.value
        assert (failure.status, failure.code, failure.path) == (400, "MALFORMED", ["text"])
        assert failure.params["reason"] == reason
        assert await sums.name(NameIt(short_name="a\u0301" * 50)) == Sum(total=50), "normalised"


async def test_a_bodys_maximum_size_follows_from_its_operation() -> None:
    huge = "a" * 100_000
    async with serve_routes(ROUTES) as url, Origin(url) as origin, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/rpc/name", json={"command": {"shortName": huge}}) as response:
            problem = msgspec.json.decode(await response.read())
        assert (response.status, problem["code"]) == (400, "MALFORMED")
        assert int(problem["params"]["longest"]) < 1_000
        # The client checks it, too, and names the text.
        sums = client(Sums, ServiceChannel("sums", origin), {})
        for call in (sums.name(NameIt(short_name=huge)), sums.find(huge)):
            with pytest.raises(CallFailed) as caught:
                await call
            assert (caught.value.status, caught.value.params["reason"]) == (400, "TOO_LONG")
        with pytest.raises(CallFailed) as caught:
            await client(Sums, ServiceChannel("sums", origin), GOOD).add_up([1] * MAX_BODY_BYTES)
        assert (caught.value.code, caught.value.params) == ("TOO_LARGE", {"limit": str(MAX_BODY_BYTES)})


async def test_an_unreachable_service_is_unavailable() -> None:
    async with Origin("http://127.0.0.1:9") as origin:
        with pytest.raises(CallFailed) as caught:
            await client(Sums, ServiceChannel("sums", origin), GOOD).add_up([1])
        assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")


def test_an_operation_without_a_declaration_is_an_error() -> None:
    class Undeclared(Protocol):
        async def forgotten(self) -> int: ...

    with pytest.raises(TypeError, match="forgotten"):
        signatures(Undeclared)


@pytest.mark.parametrize("contract", [Identity, Sites, Orders, Stats, Support, Sums])
def test_every_contract_has_its_openapi_document(contract: type) -> None:
    document = msgspec.json.decode(openapi(contract))
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {"/rpc", *(f"/rpc/{name}" for name in signatures(contract))}
    (_, body) = document["paths"]["/rpc"]["post"]["requestBody"].popitem()
    together = body["application/json"]["schema"]["items"]["prefixItems"][0]["enum"]
    reads = {name for name, one in signatures(contract).items() if one.declared.kind == "read"}
    assert set(together) == {name for name in reads if document["paths"][f"/rpc/{name}"]["post"]["security"]}
    for struct, field, limit in (
        one for operation in signatures(contract).values() for one in limited_fields(operation.arguments)
    ):
        schema = document["components"]["schemas"][struct.__name__]["properties"][field]
        assert f"'maxLength': {limit.longest}" in str(schema)
    text = openapi(contract).decode()
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])
