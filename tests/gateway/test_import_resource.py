"""Files of an ERP export on their way through the gateway."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.gateway.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def upload(house: House, kind: str, token: str | None, data: object = b"a,b\n1,2\n") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{house.url}/imports/{kind}?name={kind}.csv"
    async with house.session.post(url, data=data, headers=headers) as response:
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
async def test_a_file_goes_to_the_service_that_takes_in_its_kind(house: House, kind: str, service: str) -> None:
    status, body = await upload(house, kind, house.staff())
    assert (status, body) == (201, '{"id":"import_sites_1"}')
    assert [one[:3] for one in house.cast.uploaded] == [(service, f"{kind}.csv", 8)]


async def test_the_services_refusal_comes_back_as_it_is(house: House) -> None:
    assert await upload(house, "rules", house.staff()) == (422, '{"code":"WRONG_FILE"}')


async def test_a_file_streams_through(house: House) -> None:
    reached = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        await asyncio.wait_for(reached.wait(), 5)
        for _ in range(200):
            yield b"x" * 100_000

    async def watch() -> None:
        while not house.cast.receiving:
            await asyncio.sleep(0.01)
        reached.set()

    watching = asyncio.create_task(watch())
    status, _ = await upload(house, "pickups", house.staff(), slowly())
    await watching
    assert status == 201
    ((_, _, size, chunks),) = house.cast.uploaded
    assert size == 20_100_000
    assert chunks > 10


async def test_a_file_that_breaks_off_is_not_taken(house: House) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise ConnectionError

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await upload(house, "pickups", house.staff(), broken())
    assert await upload(house, "sites", house.staff()) == (201, '{"id":"import_sites_1"}')
    assert [one[0] for one in house.cast.uploaded] == ["sites"]


async def test_only_staff_bring_files(house: House) -> None:
    assert (await upload(house, "sites", None))[0] == 401
    assert (await upload(house, "sites", "nonsense"))[0] == 401
    assert (await upload(house, "sites", house.user()))[0] == 403
    assert (await upload(house, "nothing", house.staff()))[0] == 404
    assert house.cast.uploaded == []
