"""Permissions at identity. Public operations are a short list, with a reason each."""

import uuid
from typing import Any

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.chassis.rpc.signature import signatures
from services.contracts import identity, orders, sites, stats, support
from services.identity.app import IDENTITY
from tests.component.permission.callers import ORG_A, ORG_B, CallerCase
from tests.component.permission.conftest import CheckPermissions
from tests.component.permission.matrix import (
    IMPORTS,
    NO_TOKEN,
    NOT_ALLOWED,
    NOTHING,
    SEES,
    Case,
    Expectations,
    expectations,
)

OPEN = {
    "clientToken": "services have no token before; for others the gateway calls",
    "publicKeys": "they are public",
}
PUBLIC = {
    "register": "the caller has no account yet",
    "signIn": "the caller has no session yet",
    "refresh": "the refresh token is the proof",
    "signOutWith": "the refresh token is the proof",
    "clientToken": "the client secret is the proof",
    "publicKeys": "they are public",
}

USER = write_id("user", uuid.UUID(int=0x5E2 << 64 | 7 << 76))
PARTNER = write_id("partner", uuid.UUID(int=0xDA2 << 64 | 7 << 76))
REGISTRATION = {
    "invoiceNumber": "9999999",
    "username": "walker",
    "email": "walker@example.fi",
    "password": "kuljen koko talon lapi",
    "termsVersion": "2026-01",
}


def by_gateway(outcome: str) -> Expectations:
    """Return the outcomes of a public operation: any caller but the gateway is refused, with any token."""
    return {**dict.fromkeys(CallerCase, NO_TOKEN), CallerCase.BY_GATEWAY: outcome}


def registration(who: CallerCase) -> dict[str, Any]:
    return {"command": {**REGISTRATION, "customerNumber": f"99-99999{list(CallerCase).index(who):02}-99"}}


def sign_in(who: CallerCase) -> dict[str, Any]:
    return {"username": f"nobody called {who.name}", "password": "nothing"}


def new_partner(who: CallerCase) -> dict[str, Any]:
    return {"command": {"idempotencyKey": who.name, "name": "New", "scopes": ["orders:read"]}}


MEMBERS_AND_PARTNERS = expectations(members=SEES, partners=SEES, partner_elsewhere=NOTHING, staff=SEES, other_site=SEES)
STAFF_ONLY = expectations(members=NOT_ALLOWED, outsiders=NOT_ALLOWED, staff=SEES)
CASES: dict[str, Case] = {
    **IMPORTS,
    "register": (registration, by_gateway("CUSTOMER_NOT_RECOGNISED")),
    "signIn": (sign_in, by_gateway("SIGN_IN_FAILED")),
    "refresh": ({"refreshToken": "none"}, by_gateway("SESSION_ENDED")),
    "signOutWith": ({"refreshToken": "none"}, by_gateway(NOTHING)),
    "clientToken": ({"clientId": PARTNER, "clientSecret": "wrong"}, by_gateway("INVALID_CLIENT")),
    "publicKeys": ({}, dict.fromkeys(CallerCase, NOTHING)),
    "me": ({}, expectations(members=NOTHING, partners=NOTHING, staff=NOTHING)),
    "organisations": ({"ids": [ORG_A, ORG_B]}, MEMBERS_AND_PARTNERS),
    "accessOf": ({"subjectId": USER}, expectations(members=NOTHING, partners=NOTHING, staff=SEES, service=SEES)),
    "contacts": (
        {"userIds": [USER]},
        expectations(members=NOT_ALLOWED, outsiders=NOT_ALLOWED, staff=NOT_ALLOWED, service=SEES),
    ),
    "partners": ({}, STAFF_ONLY),
    "createPartner": (new_partner, expectations(members=NOT_ALLOWED, outsiders=NOT_ALLOWED, staff=NOTHING)),
    "revokePartner": ({"id": PARTNER}, STAFF_ONLY),
    "signOut": ({}, expectations(members=NOTHING, partners=NOT_ALLOWED, staff=NOTHING)),
}


async def insert_rows(pool: Pool) -> None:
    """Insert both organisations, a user of A, and a partner."""
    for organisation in (ORG_A, ORG_B):
        await pool.execute(
            "INSERT INTO organisations VALUES ($1, $2, $3, 'BUSINESS', NULL, 1, 'name')",
            read_id("org", organisation),
            f"number of {organisation}",
            f"name of {organisation}",
        )
    await pool.execute(
        "INSERT INTO users VALUES ($1, 'mirja', 'mirja', 'mirja@example.fi', 'fi', 'x', false, true, 1, NULL, NULL,"
        " now())",
        read_id("user", USER),
    )
    await pool.execute(
        "INSERT INTO memberships VALUES ($1, $2, 'ADMIN', true, NULL, NULL)",
        read_id("user", USER),
        read_id("org", ORG_A),
    )
    await pool.execute(
        "INSERT INTO partners VALUES ($1, 'Partner', '{}', '{}', true, true, 1, 'partner')", read_id("partner", PARTNER)
    )


async def test_the_permission_matrix(check_permissions: CheckPermissions) -> None:
    belongings = [f"name of {ORG_A}", USER, "mirja@example.fi", PARTNER]
    foreign = [f"name of {ORG_B}", f"number of {ORG_B}"]
    assert await check_permissions(IDENTITY, insert_rows, CASES, belongings, foreign) == []


def test_public_operations_are_a_short_list_with_reasons() -> None:
    contracts = (identity.Identity, sites.Sites, orders.Orders, stats.Stats, support.Support)
    public = {name for one in contracts for name, signature in signatures(one).items() if signature.declared.public}
    assert public == set(PUBLIC)
    assert {name for name, signature in signatures(identity.Identity).items() if signature.declared.open} == set(OPEN)
