"""Extra pickups that a customer of the demonstration orders."""

import itertools
import uuid
from collections.abc import Iterator

from tests.support.gateway_client import GatewayClient

OFFERS = """
    { sites(first: 20) { edges { node { agreements(first: 5) { edges { node {
      id extraPickupOffers { ... on Offers { offers { date } } }
    } } } } } } }
"""
ORDER = """
    mutation ($input: OrderExtraPickupInput!) {
      orderExtraPickup(input: $input) { __typename ... on Ordered { order { id } } }
    }
"""
Offer = tuple[str, str]
"""The id of an agreement, and a day on which an extra pickup can be ordered."""


async def find_offers(customer: GatewayClient) -> Iterator[Offer]:
    """Iterate over agreements with a day of each, then with the next day of each.

    The days of the first agreement are left to the examples, which order there.
    """
    sites = (edge["node"] for edge in (await customer.execute(OFFERS))["edges"])
    agreements = [edge["node"] for site in sites for edge in site["agreements"]["edges"]]
    days = [
        [(one["id"], offer["date"]) for offer in (one["extraPickupOffers"] or {}).get("offers", ())]
        for one in agreements[1:]
    ]
    return (offer for turn in itertools.zip_longest(*days) for offer in turn if offer is not None)


async def order(customer: GatewayClient, offers: Iterator[Offer]) -> str:
    """Order an extra pickup on the next offer, and return the order's id."""
    agreement, day = next(offers)
    command = {"agreementId": agreement, "date": day, "idempotencyKey": str(uuid.uuid4())}
    ordered = await customer.execute(ORDER, input=command)
    assert ordered["__typename"] == "Ordered", ordered
    return str(ordered["order"]["id"])
