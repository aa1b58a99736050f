"""Lists and look-ups of members and invitations, for the admins of their organisation ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import ScopedTable
from services.access.updates import Reader
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.search_words import search_words
from services.chassis.db.updates import ListedTable
from services.chassis.ids import find_id
from services.contracts.identity.invitations import (
    Invitation,
    InvitationFilter,
    InvitationOrder,
    InvitationOrderField,
    InvitationState,
)
from services.contracts.identity.members import Member, MemberFilter, MemberOrder, MemberOrderField
from services.contracts.permission import Role
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.identity.domain.invitation import Decision
from services.identity.mapping.member_responses import invitation_response, member_response
from services.identity.store.invitations import INVITATION_COLUMNS, to_invitation
from services.identity.store.members import MEMBER_COLUMNS, to_member

_ADMINISTERED = f" AND g.role = '{Role.ADMIN.value}' AND g.site_id IS NULL"
_MEMBERS = ScopedTable(name="memberships m", organisation="m.organisation_id", site=None)
_LISTED_MEMBERS = ListedTable(list="members", prefix="member")
_MEMBER_COLUMNS = f"{MEMBER_COLUMNS}, (SELECT u.username FROM users u WHERE u.id = m.user_id) AS username"
_ADMINISTERS_MEMBER = visible("m.organisation_id", also=_ADMINISTERED)
_MEMBERS_BY_ID = f"SELECT {_MEMBER_COLUMNS} FROM memberships m WHERE {_ADMINISTERS_MEMBER} AND m.id = ANY ($3)"
_SEES_ONE_OF = """EXISTS (
    SELECT FROM sites s
    WHERE s.id = ANY ({}) AND s.organisation_id = m.organisation_id AND (m.site_ids IS NULL OR s.id = ANY (m.site_ids))
)"""
_OLDEST_FIRST = MemberOrder(field=MemberOrderField.SINCE)
_INVITATIONS = ScopedTable(name="invitations i", organisation="i.organisation_id", site=None)
_LISTED_INVITATIONS = ListedTable(list="invitations", prefix="invitation")
_ADMINISTERS_INVITATION = visible("i.organisation_id", also=_ADMINISTERED)
_INVITATIONS_BY_ID = f"""
    SELECT {INVITATION_COLUMNS} FROM invitations i WHERE {_ADMINISTERS_INVITATION} AND i.id = ANY ($3)
"""
_LATEST_FIRST = InvitationOrder(field=InvitationOrderField.INVITED_AT, direction=SortDirection.DESC)
_STATES = {
    InvitationState.PENDING: "i.decision IS NULL AND i.expires_at > {now}",
    InvitationState.EXPIRED: "i.decision IS NULL AND i.expires_at <= {now}",
    InvitationState.ACCEPTED: f"i.decision = '{Decision.ACCEPTED.value}'",
    InvitationState.WITHDRAWN: f"i.decision = '{Decision.WITHDRAWN.value}'",
}


async def organisation_members(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    page: Page,
    filter: MemberFilter | None,
    order: MemberOrder | None,
) -> RelayConnection[Member]:
    """Return a page of the members, past ones, too, of the organisations that the caller administers."""
    asked, order = filter or MemberFilter(), order or _OLDEST_FIRST
    words = search_words(asked.search or "", "filter", "search")
    conditions = msgspec.structs.replace(asked, search=None)
    part: KeysetPage[Member] = KeysetPage(page, (TimestampKey, uuid.UUID), "members", order, conditions, words)
    query = SqlQuery(caller.subject_id, day)
    if not caller.staff:  # who administer all: to check each row would take longer
        query.where(_ADMINISTERS_MEMBER)
    for word in words:  # an organisation has few members: no index serves the search
        username = "(SELECT chassis.searched_text(u.username) FROM users u WHERE u.id = m.user_id)"
        query.where(f"strpos({username}, {{}}) > 0", word)
    if asked.roles is not None:
        query.where("m.role = ANY ({})", sorted({one.value for one in asked.roles}))
    if asked.site_ids is not None:
        sites = sorted({found for text in asked.site_ids if (found := find_id("site", text))})
        query.where(_SEES_ONE_OF, sites)
    if asked.ended is not None:
        query.where("(m.ended_at IS NOT NULL OR coalesce(m.until < $2, false)) = {}", asked.ended)
    rows, total, updates = await fetch_reached(
        connection,
        _MEMBERS,
        _MEMBER_COLUMNS,
        query,
        part,
        SortOrder(("m.since", "m.id"), descending=order.direction is SortDirection.DESC),
        reader=Reader(caller, day, _LISTED_MEMBERS),
        restrictions=id_restrictions(("m.organisation_id", "org", asked.organisation_ids)),
    )
    nodes = [([row["since"], row["id"]], _to_member(row)) for row in rows]
    return part.connection(nodes, total, updates)


async def members_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Member | None]:
    """Return the members with these ids, in their order; None for one whom the caller does not administer."""
    return await fetch_by_ids(connection, _MEMBERS_BY_ID, (caller.subject_id, day), "member", ids, _to_member)


async def invitations(
    connection: DatabaseConnection,
    caller: Caller,
    now: dt.datetime,
    day: dt.date,
    page: Page,
    filter: InvitationFilter | None,
    order: InvitationOrder | None,
) -> RelayConnection[Invitation]:
    """Return a page of the invitations to the organisations that the caller administers."""
    asked, order = filter or InvitationFilter(), order or _LATEST_FIRST
    words = search_words(asked.search or "", "filter", "search")
    conditions = msgspec.structs.replace(asked, search=None)
    part: KeysetPage[Invitation] = KeysetPage(page, (TimestampKey, uuid.UUID), "invitations", order, conditions, words)
    query = SqlQuery(caller.subject_id, day)
    if not caller.staff:
        query.where(_ADMINISTERS_INVITATION)
    for word in words:  # an organisation has few invitations: no index serves the search
        query.where("strpos(chassis.searched_text(i.email), {}) > 0", word)
    if asked.states is not None:
        moment = f"{query.value(now)}::timestamptz"
        states = " OR ".join(f"({_STATES[one].format(now=moment)})" for one in sorted(set(asked.states), key=str))
        query.where(f"({states}) AND {moment} IS NOT NULL")
    rows, total, updates = await fetch_reached(
        connection,
        _INVITATIONS,
        INVITATION_COLUMNS,
        query,
        part,
        SortOrder(("i.invited_at", "i.id"), descending=order.direction is SortDirection.DESC),
        reader=Reader(caller, day, _LISTED_INVITATIONS),
        restrictions=id_restrictions(("i.organisation_id", "org", asked.organisation_ids)),
    )
    nodes = [([row["invited_at"], row["id"]], invitation_response(to_invitation(row), now)) for row in rows]
    return part.connection(nodes, total, updates)


async def invitations_by_id(
    connection: DatabaseConnection, caller: Caller, now: dt.datetime, day: dt.date, ids: Sequence[Id]
) -> list[Invitation | None]:
    """Return the invitations with these ids, in their order; None for one that the caller does not administer."""
    return await fetch_by_ids(
        connection,
        _INVITATIONS_BY_ID,
        (caller.subject_id, day),
        "invitation",
        ids,
        lambda row: invitation_response(to_invitation(row), now),
    )


def _to_member(row: Row) -> Member:
    return member_response(to_member(row), row["username"])
