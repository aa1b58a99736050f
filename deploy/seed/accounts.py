"""The seeded users: an admin of each organisation, the manager, the limited user, staff, and two partners."""

import uuid
from collections.abc import Iterator

from deploy.local.addresses import DemoAccount
from deploy.seed import population
from deploy.seed.ids import seeded_id
from deploy.seed.population import FOUNDED, Population, organisation_id, site_id
from services.chassis.ids import write_id
from services.contracts.identity.partners import SCOPES
from services.contracts.identity.people import Language
from services.contracts.permission import Role
from services.identity.domain.access import MembershipRecord, PartnerRecord, UserRecord

SMALL_CUSTOMER, MANAGER, LIMITED, STAFF = "seed-customer", "seed-manager", "seed-limited", "seed-staff"
"""Usernames; all have the same password."""

PARTNER_OF_ALL = seeded_id("partner", 0, FOUNDED)
PARTNER_OF_ONE = seeded_id("partner", 1, FOUNDED)
"""Reaches the small customer alone. Both partners' secret is the users' password."""


def users(there_are: Population, password_hash: str) -> Iterator[UserRecord]:
    """Return everyone with a password."""

    def user(user_id: uuid.UUID, username: str, *memberships: MembershipRecord, staff: bool = False) -> UserRecord:
        return UserRecord(
            id=user_id,
            username=username,
            email=f"{username}@example.fi",
            email_verified_at=FOUNDED,
            language=Language.FI,
            password_hash=password_hash,
            staff=staff,
            terms_version=None if staff else "2026-01",
            terms_accepted_at=None if staff else FOUNDED,
            memberships=list(memberships),
        )

    for number in range(there_are.organisations):
        username = SMALL_CUSTOMER if number == 0 else f"seed-{number:07}"
        yield user(
            population.user_id(number),
            username,
            MembershipRecord(organisation_id=organisation_id(number), role=Role.ADMIN, billing=True),
        )
    yield user(
        seeded_id("manager", 0, FOUNDED),
        MANAGER,
        *(
            MembershipRecord(organisation_id=organisation_id(number), role=Role.EDITOR, billing=True)
            for number in there_are.managed_organisations
        ),
    )
    reached = there_are.chain_site_numbers[: there_are.limited_sites]
    yield user(
        seeded_id("limited", 0, FOUNDED),
        LIMITED,
        MembershipRecord(
            organisation_id=organisation_id(there_are.chain),
            role=Role.EDITOR,
            billing=False,
            site_ids=[site_id(there_are.place(site)) for site in reached],
        ),
    )
    yield user(seeded_id("staff", 0, FOUNDED), STAFF, staff=True)


def partners() -> list[PartnerRecord]:
    """Return the partners: of all organisations, and of the small customer alone."""
    return [
        PartnerRecord(
            id=PARTNER_OF_ALL, name="Seed: all", scopes=list(SCOPES), organisation_ids=[], all_organisations=True
        ),
        PartnerRecord(
            id=PARTNER_OF_ONE,
            name="Seed: one",
            scopes=list(SCOPES),
            organisation_ids=[organisation_id(0)],
            all_organisations=False,
        ),
    ]


def sign_ins(password: str) -> list[DemoAccount]:
    """Return those whom a measurement signs in as."""
    return [
        DemoAccount("customer of 10 sites", SMALL_CUSTOMER, password),
        DemoAccount("manager of many organisations", MANAGER, password),
        DemoAccount("limited to some sites of a chain", LIMITED, password),
        DemoAccount("staff", STAFF, password),
        DemoAccount("partner of all organisations", write_id("partner", PARTNER_OF_ALL), password),
        DemoAccount("partner of the customer of 10 sites", write_id("partner", PARTNER_OF_ONE), password),
    ]
