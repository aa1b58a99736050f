"""Each broken request once."""

import itertools

import pytest

from tests.gateway.broken.cases import Broken
from tests.gateway.broken.corpus import CORPUS, damaged
from tests.gateway.broken.verdict import complaint
from tests.gateway.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _is_well(house: House) -> None:
    answer = await house.ask("{ me { username } }", house.user())
    assert answer["data"] == {"me": {"username": "maija"}}


@pytest.mark.parametrize("broken", CORPUS, ids=lambda one: one.what)
async def test_a_broken_request(house: House, broken: Broken) -> None:
    assert await complaint(house.url, broken.sent, broken.expected) == ""
    await _is_well(house)


@pytest.mark.parametrize("seed", range(10))
async def test_requests_damaged_by_chance(house: House, seed: int) -> None:
    for sent in itertools.islice(damaged(seed), 100):
        assert not (told := await complaint(house.url, sent)), (told, sent)
    await _is_well(house)
