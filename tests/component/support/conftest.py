"""Support on a database of its own, with a customer of whom messages tell."""

import pytest

from services.support.app import SUPPORT
from tests.component.support.forms import Harness, MakeSupport, an_id, known_site
from tests.component.support.message_sources import Customer, FakeOwners, set_last_restore


@pytest.fixture
async def harness(make_harness: MakeSupport) -> Harness:
    harness = await make_harness(SUPPORT)
    await set_last_restore(harness.pool, None)
    return harness


@pytest.fixture
def owners() -> FakeOwners:
    return FakeOwners()


@pytest.fixture
async def customer(harness: Harness, owners: FakeOwners) -> Customer:
    org = an_id("org")
    return Customer(harness, owners, org, await known_site(harness, org))
