"""Uploads and downloads of files through the gateway's proxy."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest

from services.contracts.imports import OWNER_BY_KIND
from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


async def upload(
    gateway: GatewayFixture, kind: str, token: str | None, data: object = b"a,b\n1,2\n", content_type: str = "text/csv"
) -> tuple[int, str]:
    headers = {"Content-Type": content_type, "Accept-Language": "en", **bearer(token)}
    service = OWNER_BY_KIND.get(kind, "sites")
    url = f"{gateway.url}/files/{service}/import-{kind}?name={kind}.csv"
    async with gateway.session.post(url, data=data, headers=headers) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("kind", "service"),
    [("organisations", "identity"), ("invoices", "stats"), ("sites", "sites"), ("pickups", "orders")],
)
async def test_a_file_goes_to_the_service_of_its_address(gateway: GatewayFixture, kind: str, service: str) -> None:
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


async def test_an_incomplete_file_is_not_kept(gateway: GatewayFixture) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise ConnectionError

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await upload(gateway, "pickups", gateway.staff(), broken())
    assert await upload(gateway, "sites", gateway.staff()) == (201, '{"id":"import_sites_1"}')
    assert [one[0] for one in gateway.services.uploads] == ["sites"]


async def test_the_service_decides_who_may_upload(gateway: GatewayFixture) -> None:
    assert (await upload(gateway, "sites", None))[0] == 401
    assert (await upload(gateway, "sites", "nonsense"))[0] == 401
    for token in (gateway.user(), gateway.partner()):
        status, text = await upload(gateway, "sites", token)
        assert (status, "FORBIDDEN" in text) == (403, True)
    assert gateway.services.uploads == []


async def test_an_upload_needs_a_purpose_of_a_service_with_files(gateway: GatewayFixture) -> None:
    status, text = await upload(gateway, "nothing", gateway.staff())
    assert (status, '"path":["purpose"]' in text) == (404, True)
    headers = {"Content-Type": "text/csv", **bearer(gateway.staff())}
    for service in ("gateway", "moon"):
        async with gateway.session.post(f"{gateway.url}/files/{service}/x", data=b"a", headers=headers) as response:
            assert (response.status, '"path":["service"]' in await response.text()) == (404, True)


async def test_a_file_is_csv_of_a_limited_size(gateway: GatewayFixture) -> None:
    status, problem = await upload(gateway, "sites", gateway.staff(), content_type="application/octet-stream")
    assert (status, "UNSUPPORTED_MEDIA_TYPE" in problem, "text/csv" in problem) == (415, True, True)

    async def too_much() -> AsyncIterator[bytes]:
        for _ in range(250):
            yield b"x" * 1_000_000

    status, problem = await upload(gateway, "sites", gateway.staff(), too_much())
    assert (status, "TOO_LARGE" in problem, "200000000" in problem) == (413, True, True)
    assert gateway.services.uploads == []


async def test_an_attachment_has_other_types_and_another_size(gateway: GatewayFixture) -> None:
    async def too_much() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 1_000_000

    headers = {"Content-Type": "image/png", **bearer(gateway.staff())}
    url = f"{gateway.url}/files/support/attachment?name=kuva.png"
    async with gateway.session.post(url, data=too_much(), headers=headers) as response:
        assert (response.status, "10000000" in await response.text()) == (413, True)
    async with gateway.session.post(url, data=b"a", headers={**headers, "Content-Type": "text/html"}) as response:
        assert (response.status, "image/png" in await response.text()) == (415, True)


async def download(
    gateway: GatewayFixture, path: str, token: str | None = None, method: str = "GET"
) -> tuple[aiohttp.ClientResponse, str]:
    async with gateway.session.request(method, f"{gateway.url}{path}", headers=bearer(token)) as response:
        return response, await response.text()


@pytest.mark.parametrize("service", ["identity", "sites", "orders", "stats"])
async def test_a_link_of_the_graph_is_followed_without_header_fields(gateway: GatewayFixture, service: str) -> None:
    query = "query ($id: ID!) { import(id: $id) { file { url } badRowsFile { name size url expiresAt } } }"
    answer = await gateway.execute(query, gateway.staff(), id=f"import_{service}_1")
    link = answer["data"]["import"]["badRowsFile"]
    assert (link["name"], link["size"], link["expiresAt"]) == ("sites-bad-rows.csv", 40, "2026-03-04T08:05:00Z")
    assert answer["data"]["import"]["file"] is None
    response, text = await download(gateway, link["url"])
    assert (response.status, text) == (200, f"line\r\n3,{service}\r\n")
    fields = ("Content-Type", "Content-Disposition", "X-Content-Type-Options", "Cache-Control")
    assert [response.headers[name] for name in fields] == [
        "text/csv; charset=utf-8",
        'attachment; filename="a.csv"',
        "nosniff",
        "private, no-store",
    ]
    head, text = await download(gateway, link["url"], method="HEAD")
    assert (head.status, text, head.headers["Content-Disposition"]) == (200, "", 'attachment; filename="a.csv"')


@pytest.mark.parametrize("who", ["stranger", "user", "partner", "staff"])
async def test_a_link_opens_for_its_bearer_and_nobody_without_it(gateway: GatewayFixture, who: str) -> None:
    token = {"user": gateway.user, "partner": gateway.partner, "staff": gateway.staff}.get(who, str)()
    assert (await download(gateway, "/files/sites/file_1?token=of+sites", token))[0].status == 200
    for query in ("", "?token=", "?token=of+orders", "?token=a&token=b"):
        response, text = await download(gateway, f"/files/sites/file_1{query}", token)
        assert (response.status, "INVALID_LINK" in text) == (403, True)


@pytest.mark.parametrize("path", ["sites/file_2", "sites/nothing", "moon/file_1", "gateway/file_1"])
async def test_there_is_no_other_file(gateway: GatewayFixture, path: str) -> None:
    response, text = await download(gateway, f"/files/{path}?token=of+sites")
    assert (response.status, "NOT_FOUND" in text) == (404, True)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "OPTIONS"])
async def test_other_methods_are_refused(gateway: GatewayFixture, method: str) -> None:
    response, _ = await download(gateway, "/files/sites/file_1", method=method)
    assert (response.status, response.headers["Allow"]) == (405, "POST, GET, HEAD")
