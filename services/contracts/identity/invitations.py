"""Invitations to organisations (I7, I8)."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.identity.members import Member, MemberAccess
from services.contracts.identity.people import PASSWORD_LENGTH, USERNAME_LENGTH, Language, Password, Username
from services.contracts.identity.sessions import Secret
from services.contracts.permission import Role
from services.contracts.values import (
    EmailAddress,
    Filter,
    Id,
    IdempotencyKey,
    IdOf,
    Length,
    MutationResult,
    OrganisationId,
    Outcome,
    Problem,
    SearchText,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)

MAX_INVITATIONS = 200

InvitationId = Annotated[str, TextLimit(100), IdOf("invitation")]


class InvitationState(enum.Enum):
    """The state of an invitation."""

    PENDING = "PENDING"
    """It waits for the invitee."""
    ACCEPTED = "ACCEPTED"
    """The invitee is a member."""
    WITHDRAWN = "WITHDRAWN"
    """An admin withdrew it."""
    EXPIRED = "EXPIRED"
    """It was not accepted in time. It can be sent again."""


class Invitation(Value, frozen=True, kw_only=True):
    """An invitation of a person to an organisation, as its admins see it."""

    id: Id
    """The global id."""
    organisation_id: Id
    """The id of the organisation."""
    email: str
    """The address that it was sent to; empty once it is a year old."""
    language: Language
    """The language of its mail."""
    role: Role
    """The role that it gives."""
    billing: bool
    """Whether it gives the permission to see prices and invoices."""
    site_ids: list[Id] | None
    """The ids of the sites that it is limited to; None: all of them."""
    until: dt.date | None
    """The last day of the membership that it gives, inclusive; None if that has no end."""
    state: InvitationState
    """The state."""
    by: str
    """The id of the user who invited."""
    invited_at: dt.datetime
    """The time of the invitation."""
    sent_at: dt.datetime
    """The time at which it was sent last."""
    expires_at: dt.datetime
    """The time until which it can be accepted."""
    accepted_by_id: str | None
    """The id of the user who accepted it; None if it was not accepted."""
    accepted_with_other_email: bool
    """Whether that user's address is another one than the invited one."""
    decided_at: dt.datetime | None
    """The time at which it was accepted or withdrawn; None while it is neither."""
    version: int
    """The number of its current version. A change of the invitation takes it."""


class InvitedMember(Value, frozen=True, kw_only=True):
    """A person who is invited, and the access that is given."""

    email: EmailAddress
    """The address that the invitation goes to."""
    language: Language = Language.FI
    """The language of its mail."""
    access: MemberAccess
    """The access of the member."""


class InviteMembers(Value, frozen=True, kw_only=True):
    """Invitations to one organisation."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    organisation_id: OrganisationId
    """The organisation."""
    members: Annotated[list[InvitedMember], Length(1, MAX_INVITATIONS)]
    """The people to invite, at most 200."""


class InvitationOutcome(Value, frozen=True, kw_only=True):
    """The outcome for one person of several who were invited."""

    invitation: Invitation | None
    """The invitation; None if there is a problem."""
    problems: list[Problem]
    """The reasons why the person was not invited; empty if they were."""


class MembersInvited(MutationResult, frozen=True, kw_only=True):
    """At least one person was invited."""

    outcomes: list[InvitationOutcome]
    """The outcome for each person, in the order of the command."""


class ResendInvitation(Value, frozen=True, kw_only=True):
    """A repetition of an invitation's mail, with a new link and 14 more days."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    id: InvitationId
    """The invitation."""
    version: int
    """The version of the invitation that the caller has read."""


class InvitationResent(MutationResult, frozen=True, kw_only=True):
    """The invitation was sent again. The earlier link is not valid any more."""

    invitation: Invitation
    """The invitation."""


class WithdrawInvitation(Value, frozen=True, kw_only=True):
    """The withdrawal of an invitation."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    id: InvitationId
    """The invitation."""
    version: int
    """The version of the invitation that the caller has read."""


class InvitationWithdrawn(MutationResult, frozen=True, kw_only=True):
    """The invitation was withdrawn. Its link is not valid any more."""

    invitation: Invitation
    """The invitation."""


class InvitationFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of invitations."""

    search: SearchText | None = None
    """Words of the address, in any order and case; each has to be found. At most 20 words; None: all invitations."""
    organisation_ids: list[OrganisationId] | None = None
    """Invitations to one of these organisations; None: to any."""
    states: list[InvitationState] | None = None
    """Invitations in one of these states; None: in any."""


class InvitationOrderField(enum.Enum):
    """The fields that invitations can be ordered by."""

    INVITED_AT = "INVITED_AT"
    """By the time of the invitation."""


class InvitationOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of invitations."""

    field: InvitationOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class InvitationPreview(Outcome, frozen=True, kw_only=True):
    """An invitation as the holder of its link sees it, before it is accepted."""

    organisation_name: str
    """The name of the organisation."""
    email: str
    """The address that it was sent to."""
    role: Role
    """The role that it gives."""
    until: dt.date | None
    """The last day of the membership that it gives, inclusive; None if that has no end."""
    expires_at: dt.datetime
    """The time until which it can be accepted."""


class AcceptInvitation(Value, frozen=True, kw_only=True):
    """The acceptance of an invitation by a user who is signed in."""

    token: Secret
    """The secret of the link."""


class InvitationAccepted(MutationResult, frozen=True, kw_only=True):
    """The user is a member of the organisation."""

    member: Member
    """The membership."""


class JoinByInvitation(Value, frozen=True, kw_only=True):
    """The account of someone who accepts an invitation and has none."""

    token: Secret
    """The secret of the link. Its address is the user's, and is verified by that."""
    username: Annotated[Username, USERNAME_LENGTH]
    """The username: an e-mail address or any memorable name. Its letters are of one script."""
    password: Annotated[Password, PASSWORD_LENGTH]
    """The password: no common one, and without the username."""
    terms_version: Annotated[str, TextLimit(100)] | None
    """The version of the terms that the user accepted; None if they were not accepted, which is refused."""
    language: Language = Language.FI
    """The language of mails and messages."""


class JoinedByInvitation(MutationResult, frozen=True, kw_only=True):
    """The account was created, and is a member of the organisation."""

    user_id: Id
    """The id of the new user."""
