"""The schema and the examples over HTTP: their content, and access to them."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from graphql import build_client_schema, build_schema, lexicographic_sort_schema, print_schema

from services.chassis.runtime.settings import Environment
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.snapshots import SCHEMA
from tests.support.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

SDL, JSON, EXAMPLES = "/schema.graphql", "/schema.json", "/graphql/examples.json"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def production_gateway(server_addresses: Servers) -> AsyncIterator[GatewayFixture]:
    async with run_gateway(server_addresses, env=Environment.PRODUCTION, playground=True) as gateway:
        yield gateway


async def get(
    gateway: GatewayFixture, path: str, token: str = "", method: str = "GET", **headers: str
) -> tuple[int, Any, bytes]:
    """Return the status, headers and body of a response."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with gateway.session.request(method, f"{gateway.url}{path}", headers=headers) as response:
        return response.status, response.headers, await response.read()


def code_in(body: bytes) -> str:
    (error,) = _json(body)["errors"]
    return str(error["extensions"]["code"])


def _json(body: bytes) -> Any:
    return msgspec.json.decode(body)


async def test_sdl_is_the_schema(gateway: GatewayFixture) -> None:
    status, headers, body = await get(gateway, SDL)
    assert (status, body.decode()) == (200, SCHEMA.read_text(encoding="utf-8"))
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="kierto.graphql"'


async def test_introspection_is_the_same_schema(gateway: GatewayFixture) -> None:
    status, headers, body = await get(gateway, JSON)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    expected = lexicographic_sort_schema(build_schema(SCHEMA.read_text(encoding="utf-8")))
    shown = lexicographic_sort_schema(build_client_schema(_json(body)["data"]))
    assert print_schema(shown) == print_schema(expected)


@pytest.mark.parametrize("path", [SDL, JSON])
async def test_a_matching_entity_tag_is_answered_304(gateway: GatewayFixture, path: str) -> None:
    _, headers, _ = await get(gateway, path)
    status, again, body = await get(gateway, path, **{"If-None-Match": headers["ETag"]})
    assert (status, again["ETag"], body) == (304, headers["ETag"], b"")
    assert again["Cache-Control"] == "private, no-cache"
    assert (await get(gateway, path, **{"If-None-Match": '"another"'}))[0] == 200
    status, head, body = await get(gateway, path, method="HEAD")
    assert (status, head["ETag"], body) == (200, headers["ETag"], b"")
    assert int(head["Content-Length"]) > 10_000


@pytest.mark.parametrize("path", [SDL, JSON])
async def test_in_production_it_is_for_staff_and_partners(production_gateway: GatewayFixture, path: str) -> None:
    for token in (production_gateway.staff(), production_gateway.partner()):
        assert (await get(production_gateway, path, token))[0] == 200
    status, headers, body = await get(production_gateway, path)
    assert (status, code_in(body)) == (401, "UNAUTHENTICATED")
    assert headers["WWW-Authenticate"].startswith("Bearer")
    status, headers, body = await get(production_gateway, path, production_gateway.user())
    assert (status, code_in(body)) == (403, "INTROSPECTION_FORBIDDEN")
    assert headers["Cache-Control"] == "no-store"
    assert (await get(production_gateway, path, "not a token"))[0] == 401


async def test_examples_have_dates_relative_to_today(gateway: GatewayFixture) -> None:
    status, headers, body = await get(gateway, EXAMPLES)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    by_name = {one["name"]: one for one in _json(body)}
    calendar = by_name["calendar"]
    assert set(calendar) == {"name", "title", "for", "description", "query", "variables", "find", "scopes"}
    assert (calendar["for"], calendar["variables"]["site"]) == ("customer", "<site>")
    assert calendar["variables"]["since"] == str(gateway.endpoint.dependencies.clock.today())
    assert calendar["query"].startswith("query SiteCalendar(")


async def test_in_production_examples_are_for_callers(production_gateway: GatewayFixture) -> None:
    status, _, body = await get(production_gateway, EXAMPLES)
    assert (status, code_in(body)) == (401, "UNAUTHENTICATED")
    for token in (production_gateway.user(), production_gateway.partner(), production_gateway.staff()):
        assert (await get(production_gateway, EXAMPLES, token))[0] == 200


async def test_without_the_page_there_are_no_examples(server_addresses: Servers) -> None:
    async with run_gateway(server_addresses, playground=False) as gateway:
        assert (await get(gateway, EXAMPLES))[0] == 404
        assert (await get(gateway, SDL))[0] == 200
