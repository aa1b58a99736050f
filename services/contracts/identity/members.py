"""Members of organisations (I7)."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.permission import Role
from services.contracts.values import (
    Filter,
    Id,
    IdempotencyKey,
    IdOf,
    Length,
    MutationResult,
    OrganisationId,
    SearchText,
    SiteId,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)

MAX_SITES = 1_000
"""The greatest number of single sites of one member; more are given as all sites."""

MemberId = Annotated[str, TextLimit(100), IdOf("member")]


class MemberAccess(Value, frozen=True, kw_only=True):
    """The access of a member of an organisation."""

    role: Role
    """The role."""
    billing: bool = False
    """The permission to see prices and invoices."""
    site_ids: Annotated[list[SiteId], Length(1, MAX_SITES)] | None = None
    """The ids of the organisation's sites that the member can see; None: all of them, later ones, too."""
    until: dt.date | None = None
    """The last day of the membership, inclusive; None if it has no end."""


class Member(Value, frozen=True, kw_only=True):
    """A user's membership of an organisation, as its admins see it."""

    id: Id
    """The global id."""
    organisation_id: Id
    """The id of the organisation."""
    by: str
    """The id of the user."""
    username: str
    """The username."""
    role: Role
    """The role."""
    billing: bool
    """The permission to see prices and invoices."""
    site_ids: list[Id] | None
    """The ids of the sites that the member can see; None: all of them."""
    since: dt.datetime
    """The time at which the membership began."""
    until: dt.date | None
    """The last day of the membership, inclusive; None if it has no end."""
    ended_at: dt.datetime | None
    """The time at which an admin ended it; None if no one did."""
    version: int
    """The number of its current version. A change of the membership takes it."""


class MemberFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of members."""

    search: SearchText | None = None
    """Words of the username, in any order, case and with or without accents; each has to be found. At most 20 words;
    None: all members."""
    organisation_ids: list[OrganisationId] | None = None
    """Members of one of these organisations; None: of all."""
    roles: list[Role] | None = None
    """Members with one of these roles; None: with any."""
    site_ids: list[SiteId] | None = None
    """Members who can see one of these sites; None: any."""
    ended: bool | None = None
    """Whether the membership is over; None: either."""


class MemberOrderField(enum.Enum):
    """The fields that members can be ordered by."""

    SINCE = "SINCE"
    """By the beginning of the membership."""


class MemberOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of members."""

    field: MemberOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class ChangeMember(Value, frozen=True, kw_only=True):
    """Another access of a member."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    id: MemberId
    """The member."""
    version: int
    """The version of the membership that the caller has read."""
    access: MemberAccess
    """The whole access from now on."""


class MemberChanged(MutationResult, frozen=True, kw_only=True):
    """The member has another access."""

    member: Member
    """The member."""


class EndMembership(Value, frozen=True, kw_only=True):
    """The end of a membership, at once."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    id: MemberId
    """The member."""
    version: int
    """The version of the membership that the caller has read."""


class MembershipEnded(MutationResult, frozen=True, kw_only=True):
    """The membership is over."""

    member: Member
    """The member."""
