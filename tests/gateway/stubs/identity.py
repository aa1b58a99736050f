"""A stub of identity, whose access a test sets."""

import datetime as dt
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

from services.chassis.auth.tokens import AUDIENCE, ISSUER, LIFETIME, Claims, Signer
from services.chassis.ids import new_uuid
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
from services.contracts.identity.actors import PartnerActor, StaffActor, UserActor
from services.contracts.identity.events import AccessStated
from services.contracts.identity.invitations import (
    AcceptInvitation,
    Invitation,
    InvitationAccepted,
    InvitationFilter,
    InvitationOrder,
    InvitationOutcome,
    InvitationPreview,
    InvitationResent,
    InvitationState,
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
    MemberOrder,
    MembershipEnded,
)
from services.contracts.identity.organisations import (
    Organisation,
    OrganisationFilter,
    OrganisationKind,
    OrganisationOrder,
)
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
    Language,
    Me,
    Membership,
    NumberFormat,
    PasswordRules,
    Register,
    Registered,
    RegistrationSettings,
)
from services.contracts.identity.sessions import KnownDevice, PublicKeys, SignedIn, SignedOut
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Conflict, Connection, Page, Refusal, conflict, refuse
from tests.gateway.stubs.imports import ImportStub
from tests.gateway.stubs.samples import INVITATION, MEMBER, NOW, ORGANISATION, PARTNER, USER, page_of


class IdentityStub(ImportStub):
    service = "identity"

    def __init__(self) -> None:
        self.signer = Signer(_new_key())
        self.access: dict[str, AccessStated] = {}

    def token(self, subject: str, kind: SubjectKind, **given: Any) -> str:
        """Issue an access token."""
        return self.signer.sign(self.claims(subject, kind, **given))

    def claims(
        self,
        subject: str,
        kind: SubjectKind,
        *,
        scope: str = "",
        session: str = "",
        locale: str = "",
        valid_for: dt.timedelta = LIFETIME,
    ) -> Claims:
        """Return the claims of a token."""
        now = dt.datetime.now(dt.UTC)
        return Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=subject,
            client_id="portal",
            jti=new_uuid().hex,
            iat=int(now.timestamp()) - 60,
            exp=int((now + valid_for).timestamp()),
            kind=kind.value,
            av=1,
            sid=session,
            scope=scope,
            locale=locale,
        )

    async def public_keys(self) -> PublicKeys:
        return PublicKeys(jwks=self.signer.public_keys())

    async def settings(self) -> RegistrationSettings:
        number = NumberFormat(pattern=r"^\d{5}$", example="12345")
        return RegistrationSettings(
            terms_version="2026-01",
            customer_number=number,
            invoice_number=number,
            password=PasswordRules(shortest=12, longest=256),
        )

    async def client_token(
        self, client_id: str, client_secret: str, scope: str = "", subject: str = ""
    ) -> ClientToken | Refusal:
        if client_secret != "a secret" and not client_id.startswith("service:"):
            return refuse("INVALID_CLIENT")
        if scope == "everything":
            return refuse("INVALID_SCOPE", "scope", allowed="orders:read")
        kind = SubjectKind.SERVICE if client_id.startswith("service:") else SubjectKind.PARTNER
        name = client_id if kind is SubjectKind.SERVICE else PARTNER
        scope = scope or "orders:read orders:subscribe"
        return ClientToken(access_token=self.token(name, kind, scope=scope), expires_in=600, scope=scope)

    async def register(self, command: Register) -> Registered | Refusal:
        if command.terms_version is None:
            return refuse("TERMS_REQUIRED", "termsVersion", version="2026-01")
        if command.invoice_number != "1962859":
            return refuse("CUSTOMER_NOT_RECOGNISED")
        return Registered(user_id=USER, access_requested=command.language is Language.SV)

    async def verify_email(self, token: str) -> EmailVerified | Refusal:
        return EmailVerified(email="maija@example.com") if token == "right" else refuse("INVALID_LINK", "token")

    async def resend_verification(self, command: ResendVerification) -> VerificationSent | Refusal:
        return VerificationSent(email="maija@example.com")

    async def request_username(self, email: str) -> RecoveryRequested | Refusal:
        return RecoveryRequested()

    async def request_password_reset(self, account: str) -> RecoveryRequested | Refusal:
        return RecoveryRequested()

    async def reset_password(self, token: str, password: str) -> PasswordChanged | Refusal:
        return PasswordChanged(sessions_ended=2) if token == "right" else refuse("INVALID_LINK", "token")

    async def unlock(self, token: str) -> AccountUnlocked | Refusal:
        return AccountUnlocked() if token == "right" else refuse("INVALID_LINK", "token")

    async def change_password(self, current_password: str, new_password: str) -> PasswordChanged | Refusal:
        if current_password != "right":
            return refuse("WRONG_PASSWORD", "currentPassword")
        return PasswordChanged(sessions_ended=1)

    async def change_username(self, command: ChangeUsername) -> AccountChanged | Conflict | Refusal:
        return self._changed(command.version)

    async def change_email(self, command: ChangeEmail) -> AccountChanged | Conflict | Refusal:
        return self._changed(command.version)

    async def confirm_email_change(self, token: str) -> EmailChangeConfirmed | Refusal:
        return EmailChangeConfirmed(changed=False) if token == "right" else refuse("INVALID_LINK", "token")

    async def approve_email_change(self, command: ApproveEmailChange) -> EmailChangeConfirmed | Refusal:
        return EmailChangeConfirmed(changed=True) if command.username == "maija" else refuse("NOT_FOUND", "username")

    async def withdraw_email_change(self, token: str) -> EmailChangeWithdrawn | Refusal:
        return EmailChangeWithdrawn() if token == "right" else refuse("INVALID_LINK", "token")

    async def change_language(self, command: ChangeLanguage) -> AccountChanged | Conflict | Refusal:
        return self._changed(command.version)

    def _changed(self, version: int) -> AccountChanged | Conflict:
        return AccountChanged(version=2) if version == 1 else conflict(USER, yours=version, now=1)

    async def sign_in(self, username: str, password: str, device_token: str = "") -> SignedIn | Refusal:
        if username == "often":
            return refuse("TOO_MANY_ATTEMPTS", retryable=True, seconds=90)
        if username == "in a crowd":
            return refuse("OVERLOADED", retryable=True, seconds=3)
        if password != "right":
            return refuse("SIGN_IN_FAILED")
        token = self.token(USER, SubjectKind.USER)
        return SignedIn(
            access_token=token,
            refresh_token="next",
            expires_in=600,
            refresh_expires_in=2_592_000,
            device=KnownDevice(token="known=", expires_in=15_552_000) if username else None,
        )

    async def refresh(self, refresh_token: str) -> SignedIn | Refusal:
        return await self.sign_in("", "right") if refresh_token == "next" else refuse("SESSION_ENDED")

    async def sign_out(self) -> SignedOut | Refusal:
        return SignedOut(session_ended=True)

    async def sign_out_with(self, refresh_token: str) -> SignedOut | Refusal:
        return SignedOut(session_ended=refresh_token == "next")

    async def organisation_members(
        self, page: Page, filter: MemberFilter | None = None, order: MemberOrder | None = None
    ) -> Connection[Member]:
        return page_of([a_member()], page)

    async def members_by_id(self, ids: list[str]) -> list[Member | None]:
        return [a_member() if one == MEMBER else None for one in ids]

    async def invitations(
        self, page: Page, filter: InvitationFilter | None = None, order: InvitationOrder | None = None
    ) -> Connection[Invitation]:
        return page_of([an_invitation()], page)

    async def invitations_by_id(self, ids: list[str]) -> list[Invitation | None]:
        return [an_invitation() if one == INVITATION else None for one in ids]

    async def invite_members(self, command: InviteMembers) -> MembersInvited | Refusal:
        outcomes = [InvitationOutcome(invitation=an_invitation(), problems=[]) for _ in command.members]
        return MembersInvited(outcomes=outcomes)

    async def resend_invitation(self, command: ResendInvitation) -> InvitationResent | Conflict | Refusal:
        return InvitationResent(invitation=an_invitation())

    async def withdraw_invitation(self, command: WithdrawInvitation) -> InvitationWithdrawn | Conflict | Refusal:
        return InvitationWithdrawn(invitation=an_invitation())

    async def invitation_preview(self, token: str) -> InvitationPreview | Refusal:
        return InvitationPreview(
            organisation_name="As Oy Mirja", email="a@example.fi", role=Role.VIEWER, until=None, expires_at=NOW
        )

    async def accept_invitation(self, command: AcceptInvitation) -> InvitationAccepted | Refusal:
        return InvitationAccepted(member=a_member())

    async def join_by_invitation(self, command: JoinByInvitation) -> JoinedByInvitation | Refusal:
        return JoinedByInvitation(user_id=USER)

    async def change_member(self, command: ChangeMember) -> MemberChanged | Conflict | Refusal:
        return MemberChanged(member=a_member())

    async def end_membership(self, command: EndMembership) -> MembershipEnded | Conflict | Refusal:
        return MembershipEnded(member=a_member())

    async def partners(
        self, page: Page, filter: PartnerFilter | None = None, order: PartnerOrder | None = None
    ) -> Connection[Partner]:
        return page_of([_partner("Routes", [])], page)

    async def partners_by_id(self, ids: list[str]) -> list[Partner | None]:
        return [_partner("Routes", []) if one == PARTNER else None for one in ids]

    async def organisations_of_partners(
        self,
        partner_ids: list[str],
        page: Page,
        filter: OrganisationFilter | None = None,
        order: OrganisationOrder | None = None,
    ) -> list[Connection[Organisation]]:
        return [page_of([_organisation(ORGANISATION)], page) for _ in partner_ids]

    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        return PartnerCreated(partner=_partner(command.name, command.organisation_ids), client_secret="shown once")

    async def revoke_partner(self, id: str, version: int) -> PartnerRevoked | Conflict | Refusal:
        if version != 1:
            return conflict(id, yours=version, now=1)
        return PartnerRevoked(partner=_partner(id, []))

    async def me(self) -> Me | None:
        place = Membership(
            organisation=_organisation(ORGANISATION), role=Role.ADMIN, billing=True, site_ids=None, until=None
        )
        return Me(
            id=USER,
            username="maija",
            email="m@example.com",
            email_verified=True,
            new_email=None,
            language=Language.FI,
            staff=False,
            memberships=[place],
            version=1,
        )

    async def organisations(
        self, page: Page, filter: OrganisationFilter | None = None, order: OrganisationOrder | None = None
    ) -> Connection[Organisation]:
        return page_of([_organisation(ORGANISATION)], page)

    async def organisations_by_id(self, ids: list[str]) -> list[Organisation | None]:
        return [_organisation(one) if one == ORGANISATION else None for one in ids]

    async def actors(self, ids: list[str]) -> list[UserActor | StaffActor | PartnerActor | None]:
        return [UserActor(name="maija") if one == USER else None for one in ids]

    async def access_of(self, subject_id: str) -> AccessStated | None:
        return self.access.get(subject_id)


def a_member() -> Member:
    return Member(
        id=MEMBER,
        organisation_id=ORGANISATION,
        by=USER,
        username="maija",
        role=Role.ADMIN,
        billing=True,
        site_ids=None,
        since=NOW,
        until=None,
        ended_at=None,
        version=1,
    )


def an_invitation() -> Invitation:
    return Invitation(
        id=INVITATION,
        organisation_id=ORGANISATION,
        email="a@example.fi",
        language=Language.FI,
        role=Role.VIEWER,
        billing=False,
        site_ids=None,
        until=None,
        state=InvitationState.PENDING,
        by=USER,
        invited_at=NOW,
        sent_at=NOW,
        expires_at=NOW,
        accepted_by_id=None,
        accepted_with_other_email=False,
        decided_at=None,
        version=1,
    )


def _organisation(id: str) -> Organisation:
    return Organisation(
        id=id, customer_number="62-0000000-00", name="As Oy Mirja", kind=OrganisationKind.HOUSING_COMPANY, version=1
    )


def _partner(name: str, organisation_ids: list[str]) -> Partner:
    return Partner(
        id=PARTNER,
        name=name,
        client_id="routes",
        scopes=["orders:read"],
        organisation_ids=organisation_ids,
        all_organisations=False,
        active=True,
        version=1,
    )


def _new_key() -> bytes:
    return msgspec.json.encode(OKPKey.generate_key("Ed25519").as_dict(private=True))
