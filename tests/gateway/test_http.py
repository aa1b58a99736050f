"""The endpoint itself: tokens, sizes, the page for browsers."""

import datetime as dt

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
