"""Users and the names of others as callers see them.

Queries of an organisation's data join the caller's access ($1 caller, $2 day).
"""

import datetime as dt
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import visible
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.ids import find_id, write_id
from services.chassis.runtime.clock import Clock
from services.contracts.identity.actors import PartnerActor, StaffActor, UserActor
from services.contracts.identity.events import AccessStated
from services.contracts.identity.people import Contact, Language, Me, Membership
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Id
from services.identity.mapping import events
from services.identity.queries.organisations import to_organisation
from services.identity.store.partners import PostgresPartnerRepository
from services.identity.store.users import PostgresUserRepository

_MEMBERSHIPS = """
    SELECT o.id, o.customer_number, o.name, o.kind, o.version, m.role, m.billing, m.site_ids, m.until
    FROM memberships m JOIN organisations o ON o.id = m.organisation_id
    WHERE m.user_id = $1 AND m.ended_at IS NULL AND (m.until IS NULL OR m.until >= $2) ORDER BY o.sort_name, o.id
"""
_USER_ACTORS = f"""
    SELECT u.id, u.username AS name, u.staff, NOT u.staff AND EXISTS (
        SELECT FROM memberships m
        WHERE m.user_id = u.id AND m.ended_at IS NULL AND (m.until IS NULL OR m.until >= $2)
          AND {visible("m.organisation_id")}
    ) AS known_to_members
    FROM users u WHERE u.id = ANY ($3)
"""
_PARTNER_ACTORS = f"""
    SELECT p.id, p.name, p.all_organisations OR EXISTS (
        SELECT FROM unnest(p.organisation_ids) AS served (id) WHERE {visible("served.id")}
    ) AS known_to_members
    FROM partners p WHERE p.id = ANY ($3)
"""
_CONTACTS = """
    SELECT id, username, CASE WHEN email_verified_at IS NOT NULL THEN email END AS email, language
    FROM users WHERE id = ANY ($1)
"""
_NEW_EMAIL = "SELECT email FROM email_changes WHERE user_id = $1 AND expires_at > $2"


async def me(connection: DatabaseConnection, caller: Caller, clock: Clock) -> Me | None:
    """Return the calling user with their memberships of the day, by organisation name."""
    user_id = find_id("user", caller.subject_id)
    user = await PostgresUserRepository(connection).by_id(user_id) if user_id else None
    if user is None:
        return None
    rows = await connection.fetch(_MEMBERSHIPS, user.id, clock.today())
    return Me(
        id=caller.subject_id,
        username=user.username,
        email=user.email,
        email_verified=user.email_verified_at is not None,
        new_email=await connection.fetchval(_NEW_EMAIL, user.id, clock.now()),
        language=user.language,
        staff=user.staff,
        memberships=[_to_membership(row) for row in rows],
        version=user.account_version,
    )


async def access_of(connection: DatabaseConnection, subject_id: Id) -> AccessStated | None:
    """Return the present access of a user or partner."""
    if user_id := find_id("user", subject_id):
        user = await PostgresUserRepository(connection).by_id(user_id)
        return events.access_of(user) if user else None
    partner_id = find_id("partner", subject_id)
    partner = await PostgresPartnerRepository(connection).by_id(partner_id) if partner_id else None
    return events.access_of(partner) if partner else None


async def contacts(connection: DatabaseConnection, user_ids: Sequence[Id]) -> list[Contact | None]:
    """Return the languages of these users in their order, with the addresses that are verified."""
    return await fetch_by_ids(connection, _CONTACTS, (), "user", user_ids, _to_contact)


async def actors(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[UserActor | StaffActor | PartnerActor | None]:
    """Return the users and partners with these ids, in their order, with the names that the caller may see."""

    def name_in(row: Row, actor_id: Id) -> str | None:
        is_member = caller.kind is SubjectKind.USER
        seen = caller.staff or actor_id == caller.subject_id or (is_member and row["known_to_members"])
        return row["name"] if seen else None

    found: dict[Id, UserActor | StaffActor | PartnerActor] = {}
    if user_ids := [user_id for text in ids if (user_id := find_id("user", text))]:
        for row in await connection.fetch(_USER_ACTORS, caller.subject_id, day, user_ids):
            actor_id = write_id("user", row["id"])
            kind = StaffActor if row["staff"] else UserActor
            found[actor_id] = kind(name=name_in(row, actor_id))
    if partner_ids := [partner_id for text in ids if (partner_id := find_id("partner", text))]:
        for row in await connection.fetch(_PARTNER_ACTORS, caller.subject_id, day, partner_ids):
            actor_id = write_id("partner", row["id"])
            found[actor_id] = PartnerActor(name=name_in(row, actor_id))
    return [found.get(actor_id) for actor_id in ids]


def _to_contact(row: Row) -> Contact:
    return Contact(
        user_id=write_id("user", row["id"]),
        username=row["username"],
        email=row["email"],
        language=Language(row["language"]),
    )


def _to_membership(row: Row) -> Membership:
    return Membership(
        organisation=to_organisation(row),
        role=Role(row["role"]),
        billing=row["billing"],
        site_ids=None if row["site_ids"] is None else [write_id("site", one) for one in row["site_ids"]],
        until=row["until"],
    )
