"""Members of organisations, and the rules of their access (I7)."""

import datetime as dt
import uuid

import msgspec

from services.contracts.identity.members import MAX_SITES, MemberAccess
from services.contracts.permission import Role
from services.contracts.values import Problem, malformed


class AccessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The access that a membership gives."""

    role: Role
    billing: bool
    """Whether prices are shown."""
    site_ids: list[uuid.UUID] | None
    """None is all sites."""
    until: dt.date | None
    """The last day, inclusive."""


class MemberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A user's membership of an organisation, with its history."""

    id: uuid.UUID
    user_id: uuid.UUID
    organisation_id: uuid.UUID
    access: AccessRecord
    since: dt.datetime
    ended_at: dt.datetime | None = None
    version: int = 1

    @property
    def is_permanent_admin(self) -> bool:
        """Whether the member administers the whole organisation without an end: each organisation keeps one."""
        access = self.access
        return self.ended_at is None and access.role is Role.ADMIN and access.site_ids is None and access.until is None


def access_problems(access: MemberAccess, today: dt.date, *path: str) -> list[Problem]:
    """Return the problems of an access that is given: MALFORMED."""
    problems = []
    if access.site_ids is not None:
        if not access.site_ids:
            problems.append(malformed(*path, "siteIds", reason="REQUIRED"))
        elif len(access.site_ids) > MAX_SITES:
            problems.append(malformed(*path, "siteIds", reason="TOO_MANY", most=MAX_SITES))
    if access.until is not None and access.until < today:
        problems.append(Problem(code="IN_THE_PAST", path=[*path, "until"]))
    return problems


def with_access(member: MemberRecord, access: AccessRecord) -> MemberRecord:
    """Return the member with another access."""
    return msgspec.structs.replace(member, access=access, version=member.version + 1)


def ended(member: MemberRecord, now: dt.datetime) -> MemberRecord:
    """Return the member whose membership is over."""
    return msgspec.structs.replace(member, ended_at=now, version=member.version + 1)


def is_present(member: MemberRecord, today: dt.date) -> bool:
    """Return whether a membership holds on a day."""
    return member.ended_at is None and (member.access.until is None or member.access.until >= today)


def takes_last_admin(before: MemberRecord, after: MemberRecord, permanent_admins: int) -> bool:
    """Return whether a change takes the last of an organisation's permanent admins from it."""
    return before.is_permanent_admin and not after.is_permanent_admin and permanent_admins <= 1
