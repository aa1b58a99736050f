"""Permissions at support."""

import uuid
from typing import Any

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.support.app import SUPPORT
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B, CallerCase
from tests.component.permission.conftest import WalkPermissions
from tests.component.permission.walk import Example, Ids
from tests.component.permission.walked_service import WalkedService

TICKET, TICKET_B = (write_id("ticket", uuid.UUID(int=number << 64 | 7 << 76)) for number in (0x71C, 0x71D))


def contact_form(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"command": {"idempotencyKey": who.name, "siteId": ids["site"], "topic": "OTHER", "message": "hei"}}


EXAMPLES = {
    "sendContactForm": Example(arguments=contact_form, shows=["ContactFormReceived"]),
    "tickets": Example(arguments=lambda who, ids: {"page": {}}, shows=[TICKET]),
    "ticketsById": Example(arguments=lambda who, ids: {"ids": [ids["ticket"]]}, shows=[TICKET]),
}


async def insert_rows(pool: Pool) -> None:
    """Insert the sites, and a ticket of each of A and B."""
    for organisation, sites in {ORG_A: (SITE_A, SITE_A2), ORG_B: (SITE_B,)}.items():
        for site in sites:
            ids = read_id("site", site), read_id("org", organisation)
            await pool.execute("INSERT INTO sites VALUES ($1, $2, $3, 1)", *ids, f"number of {site}")
    for ticket, number, organisation, site in ((TICKET, 1, ORG_A, SITE_A), (TICKET_B, 2, ORG_B, SITE_B)):
        await pool.execute(
            "INSERT INTO tickets VALUES ($1, $2, $3, $4, 'A', gen_random_uuid(), 'OTHER', 'OPEN', 'hei', 'NONE', NULL,"
            " '2026-03-03 08:00Z', 1)",
            read_id("ticket", ticket),
            f"T-2025-{number:06}",
            read_id("org", organisation),
            read_id("site", site),
        )


WALKED = WalkedService(
    blueprint=SUPPORT,
    insert_rows=insert_rows,
    examples=EXAMPLES,
    own={"ticket": TICKET},
    foreign=[TICKET_B, SITE_B, ORG_B],
)


async def test_the_permission_walk(walk_permissions: WalkPermissions) -> None:
    assert await walk_permissions(WALKED) == []
