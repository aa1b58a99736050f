"""Files of an ERP export through the gateway's proxy."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


async def upload(
    gateway: GatewayFixture, kind: str, token: str | None, data: object = b"a,b\n1,2\n", content_type: str = "text/csv"
) -> tuple[int, str]:
    headers = {"Content-Type": content_type, "Accept-Language": "en", **bearer(token)}
    url = f"{gateway.url}/imports/{kind}?name={kind}.csv"
    async with gateway.session.post(url, data=data, headers=headers) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("kind", "service"),
    [
        ("organisations", "identity"),
        ("invoices", "stats"),
        ("sites", "sites"),
        ("containers", "sites"),
        ("articles", "orders"),
        ("routes", "orders"),
        ("holidays", "orders"),
        ("agreements", "orders"),
        ("pickups", "orders"),
    ],
)
async def test_a_file_goes_to_the_service_of_its_kind(gateway: GatewayFixture, kind: str, service: str) -> None:
    status, body = await upload(gateway, kind, gateway.staff())
    assert (status, body) == (201, '{"id":"import_sites_1"}')
    assert [one[:3] for one in gateway.services.uploads] == [(service, f"{kind}.csv", 8)]


async def test_the_services_refusal_is_forwarded(gateway: GatewayFixture) -> None:
    status, text = await upload(gateway, "rules", gateway.staff())
    assert status == 422
    (error,) = msgspec.json.decode(text)["errors"]
    assert error["extensions"] == {"code": "WRONG_FILE", "reason": "UNKNOWN_COLUMNS", "columns": "colour"}
    assert error["message"] == "The file has columns that are not known here: colour."


async def test_a_file_is_streamed(gateway: GatewayFixture) -> None:
    reached = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        await asyncio.wait_for(reached.wait(), 60)
        for _ in range(200):
            yield b"x" * 100_000

    async def watch() -> None:
        while not gateway.services.receiving:
            await asyncio.sleep(0.01)
        reached.set()

    watching = asyncio.create_task(watch())
    status, _ = await upload(gateway, "pickups", gateway.staff(), slowly())
    await watching
    assert status == 201
    ((_, _, size, chunks),) = gateway.services.uploads
    assert size == 20_100_000
    assert chunks > 10


async def test_an_incomplete_file_is_not_staged(gateway: GatewayFixture) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise ConnectionError

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await upload(gateway, "pickups", gateway.staff(), broken())
    assert await upload(gateway, "sites", gateway.staff()) == (201, '{"id":"import_sites_1"}')
    assert [one[0] for one in gateway.services.uploads] == ["sites"]


async def test_only_staff_may_upload(gateway: GatewayFixture) -> None:
    assert (await upload(gateway, "sites", None))[0] == 401
    assert (await upload(gateway, "sites", "nonsense"))[0] == 401
    assert (await upload(gateway, "sites", gateway.user()))[0] == 403
    assert (await upload(gateway, "nothing", gateway.staff()))[0] == 404
    assert gateway.services.uploads == []


async def test_a_file_is_csv_of_a_limited_size(gateway: GatewayFixture) -> None:
    status, problem = await upload(gateway, "sites", gateway.staff(), content_type="application/octet-stream")
    assert (status, "UNSUPPORTED_MEDIA_TYPE" in problem, "text/csv" in problem) == (415, True, True)

    async def too_much() -> AsyncIterator[bytes]:
        for _ in range(250):
            yield b"x" * 1_000_000

    status, problem = await upload(gateway, "sites", gateway.staff(), too_much())
    assert (status, "TOO_LARGE" in problem, "200000000" in problem) == (413, True, True)
    assert gateway.services.uploads == []


async def bad_rows(gateway: GatewayFixture, import_id: str, token: str | None) -> tuple[int, str]:
    url = f"{gateway.url}/imports/{import_id}/bad-rows"
    async with gateway.session.get(url, headers=bearer(token)) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("service", ["identity", "sites", "orders", "stats"])
async def test_bad_rows_come_from_the_service_of_the_import(gateway: GatewayFixture, service: str) -> None:
    status, text = await bad_rows(gateway, f"import_{service}_1", gateway.staff())
    assert (status, text) == (200, f"line,field,code,reason\r\n3,litres,MALFORMED,{service}\r\n")


async def test_only_staff_may_read_bad_rows(gateway: GatewayFixture) -> None:
    assert (await bad_rows(gateway, "import_sites_1", None))[0] == 401
    assert (await bad_rows(gateway, "import_sites_1", "nonsense"))[0] == 401
    assert (await bad_rows(gateway, "import_sites_1", gateway.user()))[0] == 403
    assert (await bad_rows(gateway, "import_sites_1", gateway.partner()))[0] == 403
    for unknown in ("import_moon_1", "site_1", "import_sites_0", "import_sites_%2e%2e%2f1"):
        assert (await bad_rows(gateway, unknown, gateway.staff()))[0] == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "sites"), ("DELETE", "sites"), ("POST", "import_sites_1/bad-rows")]
)
async def test_other_methods_are_refused(gateway: GatewayFixture, method: str, path: str) -> None:
    async with gateway.session.request(method, f"{gateway.url}/imports/{path}") as response:
        assert (response.status, bool(response.headers["Allow"])) == (405, True)
