"""Permissions at orders: users by site and role, partners by scope and organisation."""

import datetime as dt
import uuid
from typing import Any

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.orders.app import ORDERS
from services.orders.domain.pickup_id import ordered_pickup_id
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B, CallerCase
from tests.component.permission.conftest import WalkPermissions
from tests.component.permission.walk import Example, Ids
from tests.component.permission.walked_service import WalkedService

SITES = {SITE_A: ORG_A, SITE_A2: ORG_A, SITE_B: ORG_B}


def owned_id(prefix: str, site: str) -> str:
    """Return the id of a site's own agreement, order, ..."""
    kinds = ("agreement", "order", "container", "article")
    return write_id(prefix, uuid.UUID(int=read_id("site", site).int + 1 + kinds.index(prefix)))


def pickup_id(site: str) -> str:
    """Return the id of the pickup that a site's order is for."""
    return write_id("pickup", ordered_pickup_id(read_id("order", owned_id("order", site))))


AGREEMENT, ORDER = owned_id("agreement", SITE_A), owned_id("order", SITE_A)
ARTICLE = owned_id("article", SITE_A)
FIRST_DAY = dt.date(2026, 3, 9)


def order(who: CallerCase, ids: Ids) -> dict[str, Any]:
    """Return the command of an order, for another day for each caller: a planned day would be refused."""
    weeks, days = divmod(list(CallerCase).index(who), 5)
    day = FIRST_DAY + dt.timedelta(days=7 * weeks + days)
    return {"command": {"idempotencyKey": who.name, "agreementId": ids["agreement"], "date": str(day)}}


def reports(who: CallerCase, ids: Ids) -> dict[str, Any]:
    arrived = {"kind": "ARRIVED", "at": "2026-03-04T07:00:00Z"}
    of_order = {"reportId": f"{who.name} 1", "orderId": ids["order"]}
    of_agreement = {"reportId": f"{who.name} 2", "agreementId": ids["agreement"], "date": "2026-03-05"}
    of_pickup = {"reportId": f"{who.name} 3", "pickupId": ids["pickup"]}
    return {"reports": [report | arrived for report in (of_order, of_agreement, of_pickup)]}


def of_sites(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"siteIds": [ids["site"]]}


def of_agreements(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"agreementIds": [ids["agreement"]]}


OWN = {"agreement": AGREEMENT, "order": ORDER, "article": ARTICLE, "pickup": pickup_id(SITE_A)}
SHOWN = [AGREEMENT, ORDER]
EXAMPLES = {
    "agreementsOfSites": Example(arguments=lambda who, ids: {**of_sites(who, ids), "page": {}}, shows=SHOWN),
    "agreementsById": Example(arguments=lambda who, ids: {"ids": [ids["agreement"]]}, shows=SHOWN),
    "articlesById": Example(
        arguments=lambda who, ids: {"ids": [ids["article"]]}, shows=[ARTICLE], seen_by=list(CallerCase)
    ),
    "calendars": Example(
        arguments=lambda who, ids: {**of_sites(who, ids), "since": "2026-03-01", "until": "2026-03-31"}, shows=SHOWN
    ),
    "nextPickups": Example(arguments=of_sites, shows=SHOWN),
    "pickupsById": Example(arguments=lambda who, ids: {"ids": [ids["pickup"]]}, shows=SHOWN),
    "pickupsOfOrders": Example(arguments=lambda who, ids: {"orderIds": [ids["order"]]}, shows=SHOWN),
    "extraPickupOffers": Example(arguments=of_agreements, shows=SHOWN),
    "orderExtraPickup": Example(arguments=order, shows=["Ordered"]),
    "orders": Example(arguments=lambda who, ids: {"page": {}}, shows=SHOWN),
    "ordersById": Example(arguments=lambda who, ids: {"ids": [ids["order"]]}, shows=SHOWN),
    "openOrderCounts": Example(arguments=of_sites, shows=["[1", "[2", "[3", "[4"]),
    "orderSummaries": Example(arguments=lambda who, ids: {"ids": [ORDER]}, shows=[ORDER]),
    "pickupSummaries": Example(arguments=lambda who, ids: {"ids": [pickup_id(SITE_A)]}, shows=[pickup_id(SITE_A)]),
    "sitesOfThings": Example(arguments=lambda who, ids: {"ids": [ORDER, pickup_id(SITE_A)]}, shows=[SITE_A]),
    "reportPickups": Example(arguments=reports, shows=['"accepted":true']),
    "events": Example(arguments=lambda who, ids: {"after": "START", "first": 500}, shows=SHOWN),
}
FOREIGN = [
    owned_id("agreement", SITE_B),
    owned_id("order", SITE_B),
    owned_id("article", SITE_B),
    pickup_id(SITE_B),
    SITE_B,
    ORG_B,
]


async def insert_rows(pool: Pool) -> None:
    """Insert sites, each with an agreement, an open order and an event of it."""
    await pool.execute("INSERT INTO routes VALUES ('R', 'X', 'GLASS', 'MO TU WE TH FR', 1, '2020-01-01', '2020-01-01')")
    await pool.execute("INSERT INTO rules VALUES ('1', 'KOUVOLA', NULL, 'CUT_OFF', '1 12:00', 'Rule', '2020-01-01')")
    for number, (site, organisation) in enumerate(SITES.items(), start=1):
        site_id, organisation_id = read_id("site", site), read_id("org", organisation)
        container, article = (
            read_id("container", owned_id("container", site)),
            read_id("article", owned_id("article", site)),
        )
        agreement, order_id = (
            read_id("agreement", owned_id("agreement", site)),
            read_id("order", owned_id("order", site)),
        )
        await pool.execute(
            "INSERT INTO sites VALUES ($1, $2, $3, 'KOUVOLA', 'X', 'HOUSE', 1)", site_id, organisation_id, f"S{number}"
        )
        await pool.execute(
            "INSERT INTO containers VALUES ($1, $2, $3, $4, 'GLASS', 240, 1, 1)",
            container,
            f"C{number}",
            site_id,
            organisation_id,
        )
        await pool.execute("INSERT INTO articles VALUES ($1, $2)", article, f"L{number}")
        await pool.execute(
            "INSERT INTO article_prices VALUES ($1, '2020-01-01', NULL, 'fi', 'sv', 'nb', 'en', 'GLASS', '15 01 07',"
            " 'PCS', 910, 255, 'EUR')",
            f"L{number}",
        )
        await pool.execute(
            "INSERT INTO agreements VALUES ($1, $2, $3, $4, $5, 'R', 'GLASS', 240, 1, 52, '2020-01-01', '2026-01-05',"
            " NULL, 1)",
            agreement,
            f"A{number}",
            site_id,
            container,
            article,
        )
        await pool.execute(
            "INSERT INTO orders VALUES ($1, 'EXTRA_PICKUP', 'SCHEDULED', $2, $3, $4, $5, 'GLASS', '2026-03-05', NULL,"
            ' \'2026-03-03 08:00Z\', \'[{"state": "SCHEDULED", "at": "2026-03-03T08:00:00Z", "by": "system",'
            ' "reason": null}]\', 3, $6)',
            order_id,
            organisation_id,
            site_id,
            agreement,
            article,
            f"ORD-2026-{number}",
        )
        await pool.execute(
            "INSERT INTO chassis.outbox (sequence, event_id, type, subject, organisation_id, site_id, partition,"
            " occurred_at, traceparent, public, data)"
            " VALUES ($1, gen_random_uuid(), 'orders.order.placed', $2, $3, $4, 0, now(), '', true, '{}')",
            number,
            owned_id("order", site),
            organisation_id,
            site_id,
        )
    await pool.execute("UPDATE chassis.leader SET last_sequence = $1", len(SITES))


WALKED = WalkedService(blueprint=ORDERS, insert_rows=insert_rows, examples=EXAMPLES, own=OWN, foreign=FOREIGN)


async def test_the_permission_walk(walk_permissions: WalkPermissions) -> None:
    assert await walk_permissions(WALKED) == []
