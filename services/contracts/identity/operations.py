"""Operations of identity."""

from typing import Annotated, Protocol

from services.contracts.declare import open_read, open_write, public_write, read, write
from services.contracts.identity.accounts import (
    AccountChanged,
    AccountUnlocked,
    ApproveEmailChange,
    ChangeEmail,
    ChangeLanguage,
    ChangeUsername,
    EmailChangeConfirmed,
    EmailChangeWithdrawn,
    EmailVerified,
    PasswordChanged,
    RecoveryRequested,
    ResendVerification,
    VerificationSent,
)
from services.contracts.identity.actors import ActorId, PartnerActor, StaffActor, UserActor
from services.contracts.identity.events import AccessStated
from services.contracts.identity.invitations import (
    AcceptInvitation,
    Invitation,
    InvitationAccepted,
    InvitationFilter,
    InvitationId,
    InvitationOrder,
    InvitationPreview,
    InvitationResent,
    InvitationWithdrawn,
    InviteMembers,
    JoinByInvitation,
    JoinedByInvitation,
    MembersInvited,
    ResendInvitation,
    WithdrawInvitation,
)
from services.contracts.identity.members import (
    ChangeMember,
    EndMembership,
    Member,
    MemberChanged,
    MemberFilter,
    MemberId,
    MemberOrder,
    MembershipEnded,
)
from services.contracts.identity.organisations import Organisation, OrganisationFilter, OrganisationOrder
from services.contracts.identity.partners import (
    ClientToken,
    CreatePartner,
    Partner,
    PartnerCreated,
    PartnerFilter,
    PartnerOrder,
    PartnerRevoked,
)
from services.contracts.identity.people import (
    Contact,
    Me,
    Password,
    Register,
    Registered,
    RegistrationSettings,
    Username,
)
from services.contracts.identity.sessions import PublicKeys, Secret, SignedIn, SignedOut
from services.contracts.imports import Importing
from services.contracts.permission import PEOPLE, STAFF, Role, SubjectKind, allow
from services.contracts.values import (
    Conflict,
    Connection,
    EmailAddress,
    Id,
    OrganisationId,
    Page,
    PartnerId,
    Refusal,
    TextLimit,
)

_USERS = allow(SubjectKind.USER)
_ADMINS = allow(SubjectKind.USER, SubjectKind.STAFF, role=Role.ADMIN)
_ANY_SUBJECT = allow(SubjectKind.USER, SubjectKind.STAFF, SubjectKind.PARTNER)


class Identity(Importing, Protocol):
    """Operations of identity."""

    @public_write
    async def register(self, command: Register) -> Registered | Refusal:
        """Create an account from the numbers on an invoice; the first user of an organisation becomes its ADMIN.

        Refused with CUSTOMER_NOT_RECOGNISED (for an unknown customer and a wrong invoice alike), WEAK_PASSWORD,
        TERMS_REQUIRED, USERNAME_TAKEN, MALFORMED, TOO_MANY_ATTEMPTS, OVERLOADED.
        """
        ...

    @public_write
    async def sign_in(self, username: Username, password: Password, device_token: Secret = "") -> SignedIn | Refusal:
        """Start a session (I3). Refused with SIGN_IN_FAILED, TOO_MANY_ATTEMPTS or OVERLOADED.

        Failed attempts from other devices do not block a device with the ``device_token`` of an earlier sign-in.
        """
        ...

    @public_write
    async def refresh(self, refresh_token: Secret) -> SignedIn | Refusal:
        """Issue the next tokens of a session. Refused with SESSION_ENDED.

        A refresh token that is used again later than 10 s ends the session.
        """
        ...

    @write(PEOPLE)
    async def sign_out(self) -> SignedOut | Refusal:
        """End the session of the caller's access token."""
        ...

    @public_write
    async def sign_out_with(self, refresh_token: Secret) -> SignedOut | Refusal:
        """End the session of a refresh token, even a used one (RFC 7009, section 2.1)."""
        ...

    @public_write
    async def verify_email(self, token: Secret) -> EmailVerified | Refusal:
        """Verify the address of an account by the link that was sent there. Refused with INVALID_LINK."""
        ...

    @write(PEOPLE)
    async def resend_verification(self, command: ResendVerification) -> VerificationSent | Refusal:
        """Send the caller another link. Refused with ALREADY_VERIFIED, TOO_MANY_ATTEMPTS."""
        ...

    @public_write
    async def request_username(self, email: EmailAddress) -> RecoveryRequested | Refusal:
        """Send the usernames of an address to it (I4). Refused with MALFORMED, TOO_MANY_ATTEMPTS, for unknown ones too.

        An account whose address is not verified gets the link that verifies it.
        """
        ...

    @public_write
    async def request_password_reset(self, account: Username) -> RecoveryRequested | Refusal:
        """Send a link by which a forgotten password is replaced to the accounts of a username or an address (I4).

        Refused with TOO_MANY_ATTEMPTS, for unknown ones too.
        """
        ...

    @public_write
    async def reset_password(self, token: Secret, password: Password) -> PasswordChanged | Refusal:
        """Replace a password by the link that was sent, which verifies the address, and end all sessions of the user.

        Refused with INVALID_LINK, WEAK_PASSWORD or OVERLOADED.
        """
        ...

    @public_write
    async def unlock(self, token: Secret) -> AccountUnlocked | Refusal:
        """End the wait after too many failed sign-ins by the link that was sent (I6). Refused with INVALID_LINK."""
        ...

    @write(PEOPLE)
    async def change_password(self, current_password: Password, new_password: Password) -> PasswordChanged | Refusal:
        """Change the caller's password, and end their other sessions (I5).

        Refused with WRONG_PASSWORD, WEAK_PASSWORD, TOO_MANY_ATTEMPTS or OVERLOADED.
        """
        ...

    @write(PEOPLE)
    async def change_username(self, command: ChangeUsername) -> AccountChanged | Conflict | Refusal:
        """Rename the caller (I5). Refused with MALFORMED, USERNAME_TAKEN."""
        ...

    @write(PEOPLE)
    async def change_email(self, command: ChangeEmail) -> AccountChanged | Conflict | Refusal:
        """Begin a change of the caller's address: the new one and a verified old one each get a link (I5).

        Refused with MALFORMED, TOO_MANY_ATTEMPTS.
        """
        ...

    @public_write
    async def confirm_email_change(self, token: Secret) -> EmailChangeConfirmed | Refusal:
        """Confirm a change of address by the link that was sent to one of both. Refused with INVALID_LINK."""
        ...

    @write(STAFF)
    async def approve_email_change(self, command: ApproveEmailChange) -> EmailChangeConfirmed | Refusal:
        """Confirm a change of address for an old address that its user can't read any more. Refused with NOT_FOUND."""
        ...

    @public_write
    async def withdraw_email_change(self, token: Secret) -> EmailChangeWithdrawn | Refusal:
        """Withdraw a change of address by the link that was sent to one of both. Refused with INVALID_LINK."""
        ...

    @write(PEOPLE)
    async def change_language(self, command: ChangeLanguage) -> AccountChanged | Conflict | Refusal:
        """Change the language of the caller's mails and messages (I5). Their next token has it."""
        ...

    @open_write
    async def client_token(
        self,
        client_id: Id,
        client_secret: Secret,
        scope: Annotated[str, TextLimit(1_000)] = "",
        subject: Id = "",
    ) -> ClientToken | Refusal:
        """Grant a token for client credentials (RFC 6749, section 4.4) to a service, or to a partner by the gateway.

        ``scope`` has the requested scopes, separated by spaces; empty: all of the client's. A service
        (``client_id`` is ``service:<name>``) may name the ``subject`` on whose behalf it acts. Refused with
        INVALID_CLIENT, INVALID_SCOPE or TOO_MANY_ATTEMPTS.
        """
        ...

    @open_read
    async def public_keys(self) -> PublicKeys:
        """Return the keys that verify access tokens."""
        ...

    @open_read
    async def settings(self) -> RegistrationSettings:
        """Return the settings for registration."""
        ...

    @read(_ANY_SUBJECT)
    async def me(self) -> Me | None:
        """Return the signed-in user; None if the caller is not a user."""
        ...

    @read(_ANY_SUBJECT)
    async def organisations(
        self, page: Page, filter: OrganisationFilter | None = None, order: OrganisationOrder | None = None
    ) -> Connection[Organisation]:
        """Return the organisations that the caller may see, with all or some sites; by name without an ``order``."""
        ...

    @read(_ANY_SUBJECT)
    async def organisations_by_id(self, ids: list[OrganisationId]) -> list[Organisation | None]:
        """Return the organisations with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(allow(services=("gateway", "sites", "orders", "stats", "support")))
    async def access_of(self, subject_id: Id) -> AccessStated | None:
        """Return a subject's current access, for services whose copy is older than a token."""
        ...

    @read(allow(services=("support",)))
    async def contacts(self, user_ids: list[Id]) -> list[Contact | None]:
        """Return the contacts of these users, in this order; None for one that does not exist any more."""
        ...

    @read(_ANY_SUBJECT)
    async def actors(self, ids: list[ActorId]) -> list[UserActor | StaffActor | PartnerActor | None]:
        """Return the users and partners with these ids, in this order; None for one that does not exist any more."""
        ...

    @read(_ADMINS)
    async def organisation_members(
        self, page: Page, filter: MemberFilter | None = None, order: MemberOrder | None = None
    ) -> Connection[Member]:
        """Return the members of the organisations that the caller administers, past ones, too.

        The oldest ones come first without an ``order``.
        """
        ...

    @read(_ADMINS)
    async def members_by_id(self, ids: list[MemberId]) -> list[Member | None]:
        """Return the members with these ids, in this order; None for one whom the caller does not administer."""
        ...

    @read(_ADMINS)
    async def invitations(
        self, page: Page, filter: InvitationFilter | None = None, order: InvitationOrder | None = None
    ) -> Connection[Invitation]:
        """Return the invitations to the organisations that the caller administers; the latest ones first."""
        ...

    @read(_ADMINS)
    async def invitations_by_id(self, ids: list[InvitationId]) -> list[Invitation | None]:
        """Return the invitations with these ids, in this order; None for one that the caller does not administer."""
        ...

    @write(_ADMINS)
    async def invite_members(self, command: InviteMembers) -> MembersInvited | Refusal:
        """Invite people to an organisation, each of whom nothing speaks against.

        Of one person, or of the call if nobody can be invited: MALFORMED, IN_THE_PAST, NOT_FOUND (a site),
        ALREADY_MEMBER, ALREADY_INVITED. The call is refused with TOO_MANY_INVITATIONS, IDEMPOTENCY_CONFLICT, too.
        """
        ...

    @write(_ADMINS)
    async def resend_invitation(self, command: ResendInvitation) -> InvitationResent | Conflict | Refusal:
        """Send an invitation again. Refused with INVITATION_DECIDED, TOO_MANY_INVITATIONS, IDEMPOTENCY_CONFLICT."""
        ...

    @write(_ADMINS)
    async def withdraw_invitation(self, command: WithdrawInvitation) -> InvitationWithdrawn | Conflict | Refusal:
        """Withdraw an invitation. Refused with INVITATION_DECIDED, IDEMPOTENCY_CONFLICT."""
        ...

    @public_write
    async def invitation_preview(self, token: Secret) -> InvitationPreview | Refusal:
        """Return the invitation of a link. Refused with INVITATION_NOT_VALID."""
        ...

    @write(_USERS)
    async def accept_invitation(self, command: AcceptInvitation) -> InvitationAccepted | Refusal:
        """Accept an invitation, also one to another address. Refused with INVITATION_NOT_VALID, ALREADY_MEMBER."""
        ...

    @public_write
    async def join_by_invitation(self, command: JoinByInvitation) -> JoinedByInvitation | Refusal:
        """Create an account by an invitation.

        Refused with MALFORMED, WEAK_PASSWORD, TERMS_REQUIRED, INVITATION_NOT_VALID, USERNAME_TAKEN, TOO_MANY_ATTEMPTS,
        OVERLOADED.
        """
        ...

    @write(_ADMINS)
    async def change_member(self, command: ChangeMember) -> MemberChanged | Conflict | Refusal:
        """Give a member another access.

        Refused with MALFORMED, IN_THE_PAST, NOT_FOUND (a site), LAST_ADMIN, MEMBERSHIP_ENDED, IDEMPOTENCY_CONFLICT.
        """
        ...

    @write(_ADMINS)
    async def end_membership(self, command: EndMembership) -> MembershipEnded | Conflict | Refusal:
        """End a membership at once. Refused with LAST_ADMIN, MEMBERSHIP_ENDED, IDEMPOTENCY_CONFLICT."""
        ...

    @read(STAFF)
    async def partners(
        self, page: Page, filter: PartnerFilter | None = None, order: PartnerOrder | None = None
    ) -> Connection[Partner]:
        """Return the partners; by name without an ``order``."""
        ...

    @read(STAFF)
    async def partners_by_id(self, ids: list[Id]) -> list[Partner | None]:
        """Return the partners with these ids, in this order; None for one that does not exist."""
        ...

    @read(STAFF)
    async def organisations_of_partners(
        self,
        partner_ids: list[PartnerId],
        page: Page,
        filter: OrganisationFilter | None = None,
        order: OrganisationOrder | None = None,
    ) -> list[Connection[Organisation]]:
        """Return the same page of the organisations that each partner's access names; by name without an ``order``.

        A cursor belongs to one partner's list, and so does a token: with ``page.after`` or ``page.updated_after``, only
        that partner may be requested.
        """
        ...

    @write(STAFF)
    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        """Create a partner with its first secret."""
        ...

    @write(STAFF)
    async def revoke_partner(self, id: Id, version: int) -> PartnerRevoked | Conflict | Refusal:
        """End a partner's access at once, unless it is not in this version. A repetition has no effect."""
        ...
