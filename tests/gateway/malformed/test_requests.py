"""Each malformed request once."""

import itertools

import pytest

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.malformed.cases import MalformedRequest
from tests.gateway.malformed.corpus import CORPUS, mutated_requests
from tests.gateway.malformed.response_check import check_bytes

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _check_health(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("{ me { username } }", gateway.user())
    assert answer["data"] == {"me": {"username": "maija"}}


@pytest.mark.parametrize("broken", CORPUS, ids=lambda one: one.name)
async def test_a_malformed_request(gateway: GatewayFixture, broken: MalformedRequest) -> None:
    assert await check_bytes(gateway.url, broken.raw, broken.expected) == ""
    await _check_health(gateway)


@pytest.mark.parametrize("seed", range(10))
async def test_random_mutations(gateway: GatewayFixture, seed: int) -> None:
    for sent in itertools.islice(mutated_requests(seed), 100):
        assert not (problem := await check_bytes(gateway.url, sent)), (problem, sent)
    await _check_health(gateway)
