"""The endpoint itself: tokens, sizes, the page for browsers."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest

from services.chassis.settings import Environment
from services.contracts.identity import SubjectKind
from tests.gateway.house import House, open_house
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_expired_token_is_refused_as_a_whole(house: House) -> None:
    answer = await house.ask("{ me { id } }", house.user(valid_for=dt.timedelta(seconds=-1)), "fi")
    assert answer["status"] == 401
    assert answer["errors"] == [{"message": "Kirjaudu sisään.", "extensions": {"code": "UNAUTHENTICATED"}}]
    assert answer["headers"]["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert house.cast.asked == []


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Basic abc", "Bearer ", "Bearer a b"])
async def test_what_is_no_token_is_refused(house: House, header: str) -> None:
    headers = {"Authorization": header}
    async with house.session.post(f"{house.url}/graphql", json={"query": "{ me { id } }"}, headers=headers) as response:
        assert response.status == 401


async def test_a_services_token_is_not_for_the_outside(house: House) -> None:
    token = house.cast.identity.token("service:stats", SubjectKind.SERVICE)
    assert (await house.ask("{ me { id } }", token))["status"] == 401


async def test_a_large_body_is_refused(house: House) -> None:
    answer = await house.ask("{ me { id } }", house.user(), padding="x" * 1_000_001)
    assert answer["status"] == 413
    assert answer["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert answer["errors"][0]["message"] == "The request is too large: at most 1000000 bytes."
    assert house.cast.asked == []


async def test_a_browser_is_shown_a_page(house: House) -> None:
    async with house.session.get(f"{house.url}/graphql", headers={"Accept": "text/html"}) as response:
        assert response.status == 200
        assert "GraphiQL" in await response.text()


async def test_production_shows_no_page(server_addresses: Servers) -> None:
    async with (
        open_house(server_addresses, env=Environment.PRODUCTION) as house,
        house.session.get(f"{house.url}/graphql", headers={"Accept": "text/html"}) as response,
    ):
        assert response.status == 404


async def test_a_query_by_get(house: House) -> None:
    headers = {"Authorization": f"Bearer {house.user()}"}
    query = {"query": "{ me { username } }"}
    async with house.session.get(f"{house.url}/graphql", params=query, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}


async def test_of_a_header_that_comes_twice_the_first_counts(house: House) -> None:
    """Also for an operation that is known."""
    query = "{ me { username } }"
    await house.ask(query, house.user())
    headers = [("Authorization", f"Bearer {house.user()}"), ("Authorization", "Bearer x.y.z")]
    async with house.session.post(f"{house.url}/graphql", json={"query": query}, headers=headers) as response:
        assert await response.json() == {"data": {"me": {"username": "maija"}}}
    async with house.session.post(f"{house.url}/graphql", json={"query": query}, headers=headers[::-1]) as response:
        assert response.status == 401


async def test_a_body_in_pieces_is_one_body(house: House) -> None:
    query = b'{"query": "{ me { username } }"}'

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(query), 5):
            yield query[at : at + 5]
            await asyncio.sleep(0.001)

    headers = {"Authorization": f"Bearer {house.user()}", "Content-Type": "application/json"}
    for _ in range(2):
        async with house.session.post(f"{house.url}/graphql", data=pieces(), headers=headers) as response:
            assert await response.json() == {"data": {"me": {"username": "maija"}}}


async def test_too_large_is_too_large_also_in_pieces(house: House) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    headers = {"Authorization": f"Bearer {house.user()}", "Content-Type": "application/json"}
    async with house.session.post(f"{house.url}/graphql", data=pieces(), headers=headers) as response:
        assert response.status == 413
