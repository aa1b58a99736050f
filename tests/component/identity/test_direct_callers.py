"""Direct calls to identity: only the gateway may call public operations and state addresses."""

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
    rows = await endpoint.runtime.pool.fetch("SELECT key FROM attempts WHERE scope = $1", scope.value)
    return {row["key"] for row in rows}


def key_of(scope: Scope, address: str) -> bytes:
    return counter_of(b"pepper for the permission walk", scope, address).key


async def test_the_gateway_states_the_address_of_an_anonymous_caller(endpoint: ServiceEndpoint) -> None:
    headers = {SERVICE_TOKEN_HEADER: endpoint.service_token("gateway"), **FORWARDED}
    assert (await endpoint.call_with(headers, "signIn", SIGN_IN))[0] == 200
    assert await counted(endpoint, Scope.ADDRESS) == {key_of(Scope.ADDRESS, "192.0.2.77")}


@pytest.mark.parametrize(
    "service_token", ["none", "of support", "of a user", "in the other field", "on behalf", "nonsense", ""]
)
async def test_only_the_gateway_calls_for_an_anonymous_caller(endpoint: ServiceEndpoint, service_token: str) -> None:
    gateway_token, user_token = (
        endpoint.service_token("gateway"),
        endpoint.headers(CallerCase.ADMIN)["Authorization"].removeprefix("Bearer "),
    )
    headers = {
        "none": {},
        "of support": {SERVICE_TOKEN_HEADER: endpoint.service_token("support")},
        "of a user": {SERVICE_TOKEN_HEADER: user_token},
        "in the other field": {"Authorization": f"Bearer {gateway_token}"},
        "on behalf": {SERVICE_TOKEN_HEADER: endpoint.service_token("support", "service:gateway")},
        "nonsense": {SERVICE_TOKEN_HEADER: "nonsense"},
        "": {SERVICE_TOKEN_HEADER: ""},
    }[service_token]
    assert (await endpoint.call_with({**headers, **FORWARDED}, "signIn", SIGN_IN))[0] == 401
    assert not await counted(endpoint, Scope.ADDRESS)


async def test_a_service_gets_its_first_token_and_is_counted_by_where_it_is(endpoint: ServiceEndpoint) -> None:
    def arguments(client_id: str) -> dict[str, str]:
        return {"clientId": client_id, "clientSecret": "wrong"}

    status, body = await endpoint.call_with(FORWARDED, "clientToken", arguments("service:orders"))
    assert (status, b"INVALID_CLIENT" in body) == (200, True)
    assert await counted(endpoint, Scope.MACHINE_ADDRESS) == {key_of(Scope.MACHINE_ADDRESS, "127.0.0.1")}
    status, body = await endpoint.call_with(
        FORWARDED, "clientToken", arguments("service:orders") | {"clientSecret": "secret"}
    )
    assert (status, b"accessToken" in body) == (200, True)
    assert (await endpoint.call_with(FORWARDED, "clientToken", arguments("partner_1")))[0] == 401
