"""The operations of identity, for one caller: each calls its query or use case."""

from collections.abc import Mapping

import msgspec

from services.access.caller import Caller
from services.chassis.auth.tokens import Signer
from services.chassis.problems import Unauthenticated
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
from services.contracts.identity.people import Contact, Me, Register, Registered, RegistrationSettings
from services.contracts.identity.sessions import PublicKeys, SignedIn, SignedOut
from services.contracts.values import Conflict, Connection, Id, Page, Refusal
from services.hosting.blueprint import ServiceRuntime
from services.hosting.imports_api import ImportsApi
from services.identity.domain.registration import RegistrationRules
from services.identity.hashing.queue import HashingQueue
from services.identity.mapping.registration_settings import registration_settings
from services.identity.queries import directory, members, organisations, partners
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.accept_invitation import accept_invitation, join_by_invitation, preview_invitation
from services.identity.usecases.approve_email_change import approve_email_change
from services.identity.usecases.change_email import change_email
from services.identity.usecases.change_invitation import resend_invitation, withdraw_invitation
from services.identity.usecases.change_language import change_language
from services.identity.usecases.change_member import change_member, end_membership
from services.identity.usecases.change_password import change_password
from services.identity.usecases.change_username import change_username
from services.identity.usecases.confirm_email_change import confirm_email_change, withdraw_email_change
from services.identity.usecases.create_partner import create_partner
from services.identity.usecases.end_session import sign_out, sign_out_with
from services.identity.usecases.invite_members import invite_members
from services.identity.usecases.issue_client_token import SERVICE_PREFIX, issue_client_token
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.refresh_session import refresh_session
from services.identity.usecases.register_user import register_user
from services.identity.usecases.request_recovery import request_password_reset, request_username
from services.identity.usecases.resend_verification import resend_verification
from services.identity.usecases.reset_password import reset_password
from services.identity.usecases.revoke_partner import revoke_partner
from services.identity.usecases.send_account_mail import AccountMails
from services.identity.usecases.sign_in import sign_in
from services.identity.usecases.unlock_account import unlock_account
from services.identity.usecases.verify_email import verify_email


class IdentityDependencies(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the operations, made once a process."""

    runtime: ServiceRuntime[IdentityTransaction]
    passwords: Passwords
    hashing_queue: HashingQueue
    """The queue of everything that hashes a password for an anonymous caller."""
    signer: Signer
    pepper: bytes
    """The key of every digest."""
    service_secrets: Mapping[str, str]
    """The services' own client secrets by their names."""
    rules: RegistrationRules
    mails: AccountMails


class IdentityApi(ImportsApi):
    """``services.contracts.identity.Identity`` for one caller."""

    def __init__(self, dependencies: IdentityDependencies, caller: Caller) -> None:
        super().__init__(dependencies.runtime.imports, caller)
        self._dependencies = dependencies
        self._runtime = dependencies.runtime

    async def register(self, command: Register) -> Registered | Refusal:
        dependencies, address = self._dependencies, self._caller.address
        return await dependencies.hashing_queue.run(
            address,
            lambda: register_user(
                self._runtime.work, dependencies.passwords, dependencies.mails, dependencies.rules, command, address
            ),
        )

    async def sign_in(self, username: str, password: str, device_token: str = "") -> SignedIn | Refusal:
        dependencies, address = self._dependencies, self._caller.address
        return await dependencies.hashing_queue.run(
            address,
            lambda: sign_in(
                self._runtime.work,
                dependencies.passwords,
                dependencies.signer,
                dependencies.pepper,
                username,
                password,
                device_token,
                address,
            ),
        )

    async def refresh(self, refresh_token: str) -> SignedIn | Refusal:
        return await refresh_session(
            self._runtime.work, self._dependencies.signer, self._dependencies.pepper, refresh_token
        )

    async def sign_out(self) -> SignedOut | Refusal:
        return await sign_out(self._runtime.work, self._caller.subject_id, self._caller.session_id)

    async def sign_out_with(self, refresh_token: str) -> SignedOut | Refusal:
        return await sign_out_with(self._runtime.work, self._dependencies.pepper, refresh_token)

    async def verify_email(self, token: str) -> EmailVerified | Refusal:
        return await verify_email(self._runtime.work, self._dependencies.pepper, token)

    async def resend_verification(self, command: ResendVerification) -> VerificationSent | Refusal:
        return await resend_verification(self._runtime.work, self._dependencies.mails, self._caller.subject_id, command)

    async def request_username(self, email: str) -> RecoveryRequested | Refusal:
        return await request_username(self._runtime.work, self._dependencies.pepper, email, self._caller.address)

    async def request_password_reset(self, account: str) -> RecoveryRequested | Refusal:
        return await request_password_reset(
            self._runtime.work, self._dependencies.pepper, account, self._caller.address
        )

    async def reset_password(self, token: str, password: str) -> PasswordChanged | Refusal:
        dependencies = self._dependencies
        return await dependencies.hashing_queue.run(
            self._caller.address,
            lambda: reset_password(self._runtime.work, dependencies.passwords, dependencies.mails, token, password),
        )

    async def unlock(self, token: str) -> AccountUnlocked | Refusal:
        return await unlock_account(self._runtime.work, self._dependencies.pepper, token)

    async def change_password(self, current_password: str, new_password: str) -> PasswordChanged | Refusal:
        dependencies = self._dependencies
        return await dependencies.hashing_queue.run(
            self._caller.address,
            lambda: change_password(
                self._runtime.work,
                dependencies.passwords,
                dependencies.mails,
                self._caller,
                current_password,
                new_password,
            ),
        )

    async def change_username(self, command: ChangeUsername) -> AccountChanged | Conflict | Refusal:
        return await change_username(self._runtime.work, self._dependencies.mails, self._caller.subject_id, command)

    async def change_email(self, command: ChangeEmail) -> AccountChanged | Conflict | Refusal:
        return await change_email(self._runtime.work, self._dependencies.mails, self._caller.subject_id, command)

    async def confirm_email_change(self, token: str) -> EmailChangeConfirmed | Refusal:
        return await confirm_email_change(self._runtime.work, self._dependencies.mails, token)

    async def approve_email_change(self, command: ApproveEmailChange) -> EmailChangeConfirmed | Refusal:
        return await approve_email_change(
            self._runtime.work, self._dependencies.mails, self._caller.subject_id, command
        )

    async def withdraw_email_change(self, token: str) -> EmailChangeWithdrawn | Refusal:
        return await withdraw_email_change(self._runtime.work, self._dependencies.pepper, token)

    async def change_language(self, command: ChangeLanguage) -> AccountChanged | Conflict | Refusal:
        return await change_language(self._runtime.work, self._dependencies.mails, self._caller.subject_id, command)

    async def client_token(
        self, client_id: str, client_secret: str, scope: str = "", subject: str = ""
    ) -> ClientToken | Refusal:
        if not (client_id.startswith(SERVICE_PREFIX) or self._caller.from_gateway):
            raise Unauthenticated
        dependencies = self._dependencies
        return await issue_client_token(
            self._runtime.work,
            dependencies.signer,
            dependencies.pepper,
            dependencies.service_secrets,
            client_id,
            client_secret,
            scope,
            subject,
            self._caller.address,
        )

    async def public_keys(self) -> PublicKeys:
        return PublicKeys(jwks=self._dependencies.signer.public_keys())

    async def settings(self) -> RegistrationSettings:
        return registration_settings(self._dependencies.rules)

    async def me(self) -> Me | None:
        async with self._runtime.pool.acquire() as connection:
            return await directory.me(connection, self._caller, self._runtime.clock)

    async def organisations(
        self, page: Page, filter: OrganisationFilter | None = None, order: OrganisationOrder | None = None
    ) -> Connection[Organisation]:
        async with self._runtime.pool.acquire() as connection:
            return await organisations.organisations(
                connection, self._caller, self._runtime.clock.today(), page, filter, order
            )

    async def organisations_by_id(self, ids: list[Id]) -> list[Organisation | None]:
        async with self._runtime.pool.acquire() as connection:
            return await organisations.organisations_by_id(connection, self._caller, self._runtime.clock.today(), ids)

    async def access_of(self, subject_id: Id) -> AccessStated | None:
        async with self._runtime.pool.acquire() as connection:
            return await directory.access_of(connection, subject_id)

    async def contacts(self, user_ids: list[Id]) -> list[Contact | None]:
        async with self._runtime.pool.acquire() as connection:
            return await directory.contacts(connection, user_ids)

    async def actors(self, ids: list[Id]) -> list[UserActor | StaffActor | PartnerActor | None]:
        async with self._runtime.pool.acquire() as connection:
            return await directory.actors(connection, self._caller, self._runtime.clock.today(), ids)

    async def organisation_members(
        self, page: Page, filter: MemberFilter | None = None, order: MemberOrder | None = None
    ) -> Connection[Member]:
        async with self._runtime.pool.acquire() as connection:
            return await members.organisation_members(
                connection, self._caller, self._runtime.clock.today(), page, filter, order
            )

    async def members_by_id(self, ids: list[Id]) -> list[Member | None]:
        async with self._runtime.pool.acquire() as connection:
            return await members.members_by_id(connection, self._caller, self._runtime.clock.today(), ids)

    async def invitations(
        self, page: Page, filter: InvitationFilter | None = None, order: InvitationOrder | None = None
    ) -> Connection[Invitation]:
        clock = self._runtime.clock
        async with self._runtime.pool.acquire() as connection:
            return await members.invitations(connection, self._caller, clock.now(), clock.today(), page, filter, order)

    async def invitations_by_id(self, ids: list[Id]) -> list[Invitation | None]:
        clock = self._runtime.clock
        async with self._runtime.pool.acquire() as connection:
            return await members.invitations_by_id(connection, self._caller, clock.now(), clock.today(), ids)

    async def invite_members(self, command: InviteMembers) -> MembersInvited | Refusal:
        async with self._runtime.work() as tx:
            return await invite_members(tx, self._dependencies.mails, self._caller, command)

    async def resend_invitation(self, command: ResendInvitation) -> InvitationResent | Conflict | Refusal:
        async with self._runtime.work() as tx:
            return await resend_invitation(tx, self._dependencies.mails, self._caller, command)

    async def withdraw_invitation(self, command: WithdrawInvitation) -> InvitationWithdrawn | Conflict | Refusal:
        async with self._runtime.work() as tx:
            return await withdraw_invitation(tx, self._caller, command)

    async def invitation_preview(self, token: str) -> InvitationPreview | Refusal:
        async with self._runtime.work() as tx:
            return await preview_invitation(tx, self._dependencies.mails.pepper, token)

    async def accept_invitation(self, command: AcceptInvitation) -> InvitationAccepted | Refusal:
        return await accept_invitation(self._runtime.work, self._dependencies.mails, self._caller, command)

    async def join_by_invitation(self, command: JoinByInvitation) -> JoinedByInvitation | Refusal:
        dependencies, address = self._dependencies, self._caller.address
        return await dependencies.hashing_queue.run(
            address,
            lambda: join_by_invitation(
                self._runtime.work, dependencies.passwords, dependencies.mails, dependencies.rules, command, address
            ),
        )

    async def change_member(self, command: ChangeMember) -> MemberChanged | Conflict | Refusal:
        async with self._runtime.work() as tx:
            return await change_member(tx, self._caller, command)

    async def end_membership(self, command: EndMembership) -> MembershipEnded | Conflict | Refusal:
        async with self._runtime.work() as tx:
            return await end_membership(tx, self._caller, command)

    async def partners(
        self, page: Page, filter: PartnerFilter | None = None, order: PartnerOrder | None = None
    ) -> Connection[Partner]:
        async with self._runtime.pool.acquire() as connection:
            return await partners.partners(connection, page, filter, order)

    async def partners_by_id(self, ids: list[Id]) -> list[Partner | None]:
        async with self._runtime.pool.acquire() as connection:
            return await partners.partners_by_id(connection, ids)

    async def organisations_of_partners(
        self,
        partner_ids: list[Id],
        page: Page,
        filter: OrganisationFilter | None = None,
        order: OrganisationOrder | None = None,
    ) -> list[Connection[Organisation]]:
        async with self._runtime.pool.acquire() as connection:
            return await organisations.organisations_of_partners(connection, partner_ids, page, filter, order)

    async def create_partner(self, command: CreatePartner) -> PartnerCreated | Refusal:
        return await create_partner(self._runtime.work, self._dependencies.pepper, self._caller.subject_id, command)

    async def revoke_partner(self, id: Id, version: int) -> PartnerRevoked | Conflict | Refusal:
        return await revoke_partner(self._runtime.work, self._caller.subject_id, id, version)
