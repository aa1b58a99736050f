"""Past the gateway identity answers no public operation, and believes no address."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.chassis.auth.tokens import SERVICE_TOKEN_HEADER
from services.chassis.db.postgres import Pool
from services.identity.app import IDENTITY
from services.identity.domain.attempts import Scope
from services.identity.usecases.limit_attempts import counter_of
from tests.component.permission.callers import CallerCase, ServiceEndpoint, serve_service
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

SIGN_IN = {"username": "nobody", "password": "nothing"}
FORWARDED = {"X-Forwarded-For": "192.0.2.77"}


@pytest.fixture
async def endpoint(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> AsyncIterator[ServiceEndpoint]:
    url = await make_database(IDENTITY)
    async with serve_service(IDENTITY, url, await open_pool(url), clock, tmp_path) as opened:
        yield opened


async def counted(endpoint: ServiceEndpoint, scope: Scope) -> set[bytes]:
    rows = await endpoint.base.pool.fetch("SELECT key FROM attempts WHERE scope = $1", scope.value)
    return {row["key"] for row in rows}


def key_of(scope: Scope, address: str) -> bytes:
    return counter_of(b"pepper for the permission walk", scope, address).key


async def test_the_gateway_says_from_where_a_stranger_asks(endpoint: ServiceEndpoint) -> None:
    headers = {SERVICE_TOKEN_HEADER: endpoint.service_token("gateway"), **FORWARDED}
    assert (await endpoint.call_with(headers, "signIn", SIGN_IN))[0] == 200
    assert await counted(endpoint, Scope.ADDRESS) == {key_of(Scope.ADDRESS, "192.0.2.77")}


@pytest.mark.parametrize("shown", ["none", "of support", "of a user", "in the other field", "acting", "nonsense", ""])
async def test_nobody_else_asks_for_a_stranger(endpoint: ServiceEndpoint, shown: str) -> None:
    gateway, users = (
        endpoint.service_token("gateway"),
        endpoint.headers(CallerCase.ADMIN)["Authorization"].removeprefix("Bearer "),
    )
    headers = {
        "none": {},
        "of support": {SERVICE_TOKEN_HEADER: endpoint.service_token("support")},
        "of a user": {SERVICE_TOKEN_HEADER: users},
        "in the other field": {"Authorization": f"Bearer {gateway}"},
        "acting": {SERVICE_TOKEN_HEADER: endpoint.service_token("support", "service:gateway")},
        "nonsense": {SERVICE_TOKEN_HEADER: "nonsense"},
        "": {SERVICE_TOKEN_HEADER: ""},
    }[shown]
    assert (await endpoint.call_with({**headers, **FORWARDED}, "signIn", SIGN_IN))[0] == 401
    assert not await counted(endpoint, Scope.ADDRESS)


async def test_a_service_gets_its_first_token_and_is_counted_by_where_it_is(endpoint: ServiceEndpoint) -> None:
    def ask(client_id: str) -> dict[str, str]:
        return {"clientId": client_id, "clientSecret": "wrong"}

    status, body = await endpoint.call_with(FORWARDED, "clientToken", ask("service:orders"))
    assert (status, b"INVALID_CLIENT" in body) == (200, True)
    assert await counted(endpoint, Scope.MACHINE_ADDRESS) == {key_of(Scope.MACHINE_ADDRESS, "127.0.0.1")}
    status, body = await endpoint.call_with(
        FORWARDED, "clientToken", ask("service:orders") | {"clientSecret": "secret"}
    )
    assert (status, b"accessToken" in body) == (200, True)
    assert (await endpoint.call_with(FORWARDED, "clientToken", ask("partner_1")))[0] == 401
