"""Tests of `kierto seed` on a whole stack: the sign-ins work, and the broker receives nothing."""

import asyncio
from collections.abc import Iterator

import pytest

from deploy.seed import accounts
from deploy.seed.history import ORDERS_A_SITE
from deploy.seed.population import SMALL_SITES, Population
from services.chassis.events.publish.cluster import Cluster
from services.chassis.ids import write_id
from services.contracts.declare import partners_topic_of, topic_of
from tests.support.gateway_client import GatewayClient
from tests.support.polling import until
from tests.support.stack import RunningStack, database, new_stack, running_stack

SITES = 200
POPULATION = Population(SITES)
PASSWORD = "kartonki kulkee kotoa"

PAGE = "{ sites(first: 200) { totalCount edges { node { id nextPickup { date } openOrderCount } } } }"
ORDERS = "{ orders(first: 10) { totalCount edges { node { id } } } }"
EVENTS = """
    query ($after: String) {
      events(after: $after, first: 500) { ... on EventPage { cursor events { sequence type organisationId } } }
    }
"""
OFFERS = """
    { sites(first: 1) { edges { node { agreements(first: 1) { edges { node {
        id extraPickupOffers { ... on Offers { offers { date } } } } } } } } } }
"""
ORDER = """
    mutation ($input: OrderExtraPickupInput!) { orderExtraPickup(input: $input) { __typename } }
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with running_stack(new_stack()) as running:
        yield running


async def test_a_stack_is_seeded_while_it_runs(stack: RunningStack) -> None:
    done = await asyncio.to_thread(stack.kierto, "seed", "--sites", str(SITES), KIERTO_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert f"customer of 10 sites: {accounts.SMALL_CUSTOMER}" in done.stdout

    site_counts = {
        accounts.SMALL_CUSTOMER: SMALL_SITES,
        accounts.MANAGER: POPULATION.managed,
        accounts.LIMITED: POPULATION.limited_sites,
        accounts.STAFF: SITES,
    }
    for username, sites in site_counts.items():
        async with GatewayClient(stack.gateway) as client:
            await client.sign_in(username, PASSWORD)
            page = await client.execute(PAGE)
            assert page["totalCount"] == sites == len(page["edges"])
            assert {edge["node"]["openOrderCount"] for edge in page["edges"]} == {1}
            assert (await client.execute(ORDERS))["totalCount"] == sites * ORDERS_A_SITE

    repeated = await asyncio.to_thread(stack.kierto, "seed", "--sites", "50", KIERTO_PASSWORD=PASSWORD)
    assert repeated.returncode == 1
    assert "seeded before" in repeated.stderr

    async with GatewayClient(stack.gateway) as partner:
        await partner.sign_in_as_partner(write_id("partner", accounts.PARTNER_OF_ALL), PASSWORD)
        last = await _last_event(partner, "START")
        assert last > SITES
        assert await _records(stack) == 0

        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(stack.start)
        async with GatewayClient(stack.gateway) as customer:
            await customer.sign_in(accounts.SMALL_CUSTOMER, PASSWORD)
            (site,) = (await customer.execute(OFFERS))["edges"]
            (agreement,) = site["node"]["agreements"]["edges"]
            offer = agreement["node"]["extraPickupOffers"]["offers"][-1]
            command = {"agreementId": agreement["node"]["id"], "date": offer["date"], "idempotencyKey": "1"}
            assert (await customer.execute(ORDER, input=command))["__typename"] == "Ordered"

        async with database(stack, "orders") as connection:

            async def count_new() -> tuple[int, int]:
                numbered = "SELECT count(*) FROM chassis.outbox WHERE sequence > $1"
                return await connection.fetchval(numbered, last), await _records(stack)

            # Each of the two topics gets the new events only: already numbered ones would be published first.
            await until(count_new, lambda seen: 0 < seen[0] == seen[1] / 2)


async def _last_event(partner: GatewayClient, cursor: str) -> int:
    """Return the sequence of the log's last event."""
    last = 0
    while True:
        page = await partner.execute(EVENTS, after=cursor)
        if not page["events"]:
            return last
        cursor, last = page["cursor"], page["events"][-1]["sequence"]


async def _records(stack: RunningStack) -> int:
    """Count the records of orders' topics."""
    cluster = await Cluster.open(stack.ports.address("kafka"), [topic_of("orders"), partners_topic_of("orders")])
    try:
        return sum(extent.end for extent in (await cluster.offset_ranges()).values())
    finally:
        await cluster.close()
