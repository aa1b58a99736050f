"""Permissions at identity. Public operations are a short list, with a reason each."""

import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from argon2 import PasswordHasher

from services.chassis.db.postgres import Pool
from services.chassis.ids import new_uuid, read_id, write_id
from services.chassis.rpc.signature import signatures
from services.contracts import sites, stats
from services.contracts.identity.invitations import InvitedMember
from services.contracts.identity.members import MemberAccess
from services.contracts.identity.operations import Identity
from services.contracts.orders.operations import Orders
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.operations import Support
from services.identity.app import IDENTITY
from services.identity.domain.email_change import new_email_change
from services.identity.domain.invitation import new_invitation
from services.identity.domain.link import LinkPurpose, new_link
from services.identity.domain.secret import digest
from services.identity.settings import IdentitySettings
from services.identity.usecases.invite_members import access_record
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.send_account_mail import LINK
from services.identity.usecases.send_invitation import INVITATION as INVITATION_SECRET
from tests.component.permission.callers import (
    ACCESS,
    ORG_A,
    ORG_B,
    SITE_A,
    SUBJECTS,
    TODAY,
    CallerCase,
    ServiceEndpoint,
)
from tests.component.permission.conftest import WalkPermissions
from tests.component.permission.walk import Example, Ids
from tests.component.permission.walked_service import WalkedService

OPEN = {
    "clientToken": "services have no token before; for others the gateway calls",
    "publicKeys": "they are public",
    "settings": "registration needs them",
}
PUBLIC = {
    "register": "the caller has no account yet",
    "signIn": "the caller has no session yet",
    "refresh": "the refresh token is the proof",
    "signOutWith": "the refresh token is the proof",
    "verifyEmail": "the link of a mail is the proof",
    "requestUsername": "it is for those who can't sign in; the answer goes to the address",
    "requestPasswordReset": "it is for those who can't sign in; the link goes to the address",
    "resetPassword": "the link of a mail is the proof",
    "unlock": "the link of a mail is the proof",
    "invitationPreview": "the link of a mail is the proof",
    "joinByInvitation": "the link of a mail is the proof",
    "confirmEmailChange": "the link of a mail is the proof",
    "withdrawEmailChange": "the link of a mail is the proof",
    "clientToken": "the client secret is the proof",
    "publicKeys": "they are public",
    "settings": "registration needs them",
    "subscription": "the link of a mail is the proof",
    "unsubscribe": "the link of a mail is the proof",
    "sendPublicForm": "it is for those who can't sign in; what it opens is seen by staff alone",
}

CUSTOMER, INVOICE = "62-0000001-00", "1962859"
REGISTRATION = {
    "customerNumber": CUSTOMER,
    "invoiceNumber": INVOICE,
    "username": "first",
    "email": "walker@example.fi",
    "password": "kuljen koko talon lapi",
    "termsVersion": "2026-01",
}
CREDENTIALS = {"username": "first", "password": REGISTRATION["password"]}
WITH_ACCOUNT = [who for who in SUBJECTS if ACCESS[who][0] is not SubjectKind.PARTNER]
STAFF = [CallerCase.STAFF]
BY_GATEWAY = [CallerCase.BY_GATEWAY]
MEMBERS_OF_A = [CallerCase.VIEWER, CallerCase.EDITOR, CallerCase.ADMIN, CallerCase.OTHER_SITE]
ADMINS = [CallerCase.ADMIN, CallerCase.STAFF]
USERS = [who for who in WITH_ACCOUNT if who is not CallerCase.STAFF]
MEMBER, INVITATION = (write_id(prefix, uuid.UUID(int=0x3E << 64 | 7 << 76)) for prefix in ("member", "invitation"))
JOINING = {"username": "third", "password": "kuljen koko talon lapi", "termsVersion": "2026-01"}
USER = SUBJECTS[CallerCase.VIEWER]
OLD_PASSWORD, NEW_PASSWORD = "kuljen koko kadun", "kuljen koko kaupungin"


def username_of(who: CallerCase) -> str:
    return f"user {SUBJECTS[who]}"


def invited(who: CallerCase, ids: Ids) -> dict[str, Any]:
    member = {"email": f"{who.name.lower()}@invited.fi", "access": {"role": "VIEWER", "siteIds": [ids["site"]]}}
    return {"command": {"idempotencyKey": who.name, "organisationId": ids["org"], "members": [member]}}


def new_partner(name: str, *organisation_ids: str) -> dict[str, Any]:
    command = {"idempotencyKey": name, "name": name, "scopes": ["orders:read"], "organisationIds": organisation_ids}
    return {"command": command}


async def make_examples(endpoint: ServiceEndpoint) -> dict[str, Example]:
    """Register a user, sign in and create a partner, and return the examples that use their secrets."""
    await _call(endpoint, CallerCase.BY_GATEWAY, "register", {"command": REGISTRATION})
    session = await _call(endpoint, CallerCase.BY_GATEWAY, "signIn", CREDENTIALS)
    created = await _call(endpoint, CallerCase.STAFF, "createPartner", new_partner("first", ORG_A))
    partner = created["partner"]["id"]

    await _call(endpoint, CallerCase.BY_GATEWAY, "register", {"command": {**REGISTRATION, "username": "linked"}})
    await _insert_links(endpoint, "linked")
    await _call(endpoint, CallerCase.BY_GATEWAY, "register", {"command": {**REGISTRATION, "username": "approved"}})
    await _insert_links(endpoint, "approved", "other ")

    await _insert_invitations(endpoint)

    def change(version: int, **changed: str) -> Callable[[CallerCase, Ids], dict[str, Any]]:
        def arguments(who: CallerCase, ids: Ids) -> dict[str, Any]:
            named = {
                name: value.format(who=who.name.lower(), subject=SUBJECTS.get(who, who.name))
                for name, value in changed.items()
            }
            return {"command": {"idempotencyKey": "one", "version": version, **named}}

        return arguments

    def of_own(shows: str, arguments: Callable[[CallerCase, Ids], dict[str, Any]]) -> Example:
        return Example(arguments=arguments, shows=[shows], seen_by=WITH_ACCOUNT)

    def of_thing(prefix: str, shows: list[str], **rest: Any) -> Example:
        def arguments(who: CallerCase, ids: Ids) -> dict[str, Any]:
            command = {"idempotencyKey": who.name, "id": ids[prefix], "version": 1, **rest}
            if "access" in rest:
                command["access"] = {"role": "VIEWER", "siteIds": [ids["site"]]}
            return {"command": command}

        return Example(arguments=arguments, shows=shows)

    def example(shows: str, arguments: dict[str, Any], **rest: Any) -> Example:
        return Example(arguments=lambda who, ids: arguments, shows=[shows], **rest)

    return {
        "register": example("Registered", {"command": {**REGISTRATION, "username": "second"}}),
        "signIn": example("SignedIn", CREDENTIALS),
        "refresh": example("SignedIn", {"refreshToken": session["refreshToken"]}),
        "signOutWith": example("SignedOut", {"refreshToken": session["refreshToken"]}),
        "verifyEmail": example("EmailVerified", {"token": "VERIFY_EMAIL"}),
        "resendVerification": example("VerificationSent", {"command": {"idempotencyKey": "one"}}, seen_by=WITH_ACCOUNT),
        "requestUsername": example("RecoveryRequested", {"email": "walker@example.fi"}),
        "requestPasswordReset": example("RecoveryRequested", {"account": "first"}),
        "resetPassword": example("PasswordChanged", {"token": "RESET_PASSWORD", "password": NEW_PASSWORD}),
        "unlock": example("AccountUnlocked", {"token": "UNLOCK"}),
        # In the order of the walk, each by the version that the one before has left.
        "changeEmail": of_own("AccountChanged", change(1, email="new.{who}@example.fi")),
        "changeLanguage": of_own("AccountChanged", change(2, language="sv")),
        "changePassword": example(
            "PasswordChanged", {"currentPassword": OLD_PASSWORD, "newPassword": NEW_PASSWORD}, seen_by=WITH_ACCOUNT
        ),
        "changeUsername": of_own("AccountChanged", change(4, username="user {subject} again")),
        "confirmEmailChange": example("EmailChangeConfirmed", {"token": "CONFIRM_NEW_EMAIL"}),
        "approveEmailChange": example(
            "EmailChangeConfirmed",
            {"command": {"idempotencyKey": "one", "username": "approved", "email": "new@example.fi"}},
            seen_by=STAFF,
        ),
        "withdrawEmailChange": example("EmailChangeWithdrawn", {"token": "CONFIRM_OLD_EMAIL"}),
        "clientToken": example(
            "ClientToken", {"clientId": partner, "clientSecret": created["clientSecret"]}, seen_by=BY_GATEWAY
        ),
        "publicKeys": example("jwks", {}),
        "settings": example("termsVersion", {}),
        "me": example("user user_", {}, seen_by=WITH_ACCOUNT),
        "organisations": Example(
            arguments=lambda who, ids: {"page": {}}, shows=[f"name of {ORG_A}"], of_organisation=True
        ),
        "organisationsById": Example(
            arguments=lambda who, ids: {"ids": [ids["org"]]}, shows=[f"name of {ORG_A}"], of_organisation=True
        ),
        "accessOf": example(USER, {"subjectId": USER}),
        "contacts": example(username_of(CallerCase.VIEWER), {"userIds": [USER]}),
        "actors": example(username_of(CallerCase.VIEWER), {"ids": [USER]}, seen_by=[*MEMBERS_OF_A, CallerCase.STAFF]),
        "organisationMembers": Example(arguments=lambda who, ids: {"page": {}}, shows=[MEMBER], seen_by=ADMINS),
        "membersById": Example(arguments=lambda who, ids: {"ids": [ids["member"]]}, shows=[MEMBER], seen_by=ADMINS),
        "invitations": Example(arguments=lambda who, ids: {"page": {}}, shows=[INVITATION], seen_by=ADMINS),
        "invitationsById": Example(
            arguments=lambda who, ids: {"ids": [ids["invitation"]]}, shows=[INVITATION], seen_by=ADMINS
        ),
        "inviteMembers": Example(arguments=invited, shows=["MembersInvited"]),
        "resendInvitation": of_thing("invitation", ["InvitationResent", "Conflict"]),
        "withdrawInvitation": of_thing("invitation", ["InvitationWithdrawn", "Conflict"]),
        "invitationPreview": example("InvitationPreview", {"token": "PREVIEWED"}),
        "acceptInvitation": example("INVITATION_NOT_VALID", {"command": {"token": "x"}}, seen_by=USERS),
        "joinByInvitation": example("INVITATION_NOT_VALID", {"command": {**JOINING, "token": "x"}}),
        "changeMember": of_thing("member", ["MemberChanged", "Conflict"], access=None),
        "endMembership": of_thing("member", ["MembershipEnded", "Conflict"]),
        "partners": example(partner, {"page": {}}, seen_by=STAFF),
        "partnersById": example(partner, {"ids": [partner]}, seen_by=STAFF),
        "organisationsOfPartners": example(f"name of {ORG_A}", {"partnerIds": [partner], "page": {}}, seen_by=STAFF),
        "createPartner": example("PartnerCreated", new_partner("second"), seen_by=STAFF),
        "revokePartner": example("PartnerRevoked", {"id": partner, "version": 1}, seen_by=STAFF),
        "signOut": example("SignedOut", {}, seen_by=WITH_ACCOUNT),
    }


async def _insert_invitations(endpoint: ServiceEndpoint) -> None:
    """Insert an invitation to each organisation; the secret of the first has the name of its operation."""
    work: Work = endpoint.runtime.work
    assert isinstance(endpoint.runtime.settings, IdentitySettings)
    pepper = endpoint.runtime.settings.pepper.encode()
    access = MemberAccess(role=Role.VIEWER)
    async with work() as tx:
        for invitation_id, organisation, secret in (
            (read_id("invitation", INVITATION), ORG_A, "PREVIEWED"),
            (new_uuid(), ORG_B, "other"),
        ):
            member = InvitedMember(email="a@example.fi", access=access)
            invitation = new_invitation(
                invitation_id, read_id("org", organisation), member, access_record(access), new_uuid(), tx.now
            )
            await tx.invitations.add(invitation, digest(pepper, INVITATION_SECRET, secret))


async def _insert_links(endpoint: ServiceEndpoint, username: str, prefix: str = "") -> None:
    """Insert a link of each purpose, whose secret has the purpose's name, and a change of address that two confirm."""
    work: Work = endpoint.runtime.work
    assert isinstance(endpoint.runtime.settings, IdentitySettings)
    pepper = endpoint.runtime.settings.pepper.encode()
    async with work() as tx:
        user = await tx.users.by_username(username)
        assert user is not None
        for purpose in LinkPurpose:
            await tx.links.add(
                new_link(new_uuid(), user.id, purpose, tx.now), digest(pepper, LINK, prefix + purpose.name)
            )
        await tx.email_changes.save(new_email_change(user.id, "new@example.fi", old_verified=True, now=tx.now))


async def _call(endpoint: ServiceEndpoint, who: CallerCase, operation: str, arguments: dict[str, Any]) -> Any:
    status, body = await endpoint.call(who, operation, arguments)
    assert status == 200, body
    return msgspec.json.decode(body)


async def insert_rows(pool: Pool) -> None:
    """Insert both organisations, a customer with an invoice, and the callers that have an account."""
    for organisation in (ORG_A, ORG_B):
        await pool.execute(
            "INSERT INTO organisations VALUES ($1, $2, $3, 'BUSINESS', NULL, 1, 'name')",
            read_id("org", organisation),
            f"number of {organisation}",
            f"name of {organisation}",
        )
    await pool.execute(
        "INSERT INTO organisations VALUES (gen_random_uuid(), $1, 'Mirja', 'HOUSEHOLD', NULL, 1, 'mirja')",
        CUSTOMER,
    )
    await pool.execute("INSERT INTO invoices VALUES (gen_random_uuid(), $1, $2, $3, 1)", CUSTOMER, INVOICE, TODAY)
    password_hash = PasswordHasher(1, 8, 1).hash(OLD_PASSWORD)
    for who in WITH_ACCOUNT:
        kind, _, grants = ACCESS[who]
        await pool.execute(
            "INSERT INTO users VALUES ($1, $2, $2, $4, 'fi', $5, $3, true, 1, NULL, NULL, now())",
            read_id("user", SUBJECTS[who]),
            username_of(who),
            kind is SubjectKind.STAFF,
            f"{who.name.lower()}@example.fi",
            password_hash,
        )
        for grant in grants:
            if grant.organisation_id is not None:
                await pool.execute(
                    "INSERT INTO memberships VALUES ($1, $2, $3, true, NULL, $4)",
                    read_id("user", SUBJECTS[who]),
                    read_id("org", grant.organisation_id),
                    grant.role and grant.role.value,
                    grant.until,
                )

    await pool.execute("INSERT INTO sites VALUES ($1, $2, 1)", read_id("site", SITE_A), read_id("org", ORG_A))
    await pool.execute(
        "UPDATE memberships SET id = $1 WHERE user_id = $2", read_id("member", MEMBER), read_id("user", USER)
    )


WALKED = WalkedService(
    blueprint=IDENTITY,
    insert_rows=insert_rows,
    examples={},
    examples_with_secrets=make_examples,
    own={"member": MEMBER, "invitation": INVITATION},
    foreign=[f"name of {ORG_B}", f"number of {ORG_B}"],
)


async def test_the_permission_walk(walk_permissions: WalkPermissions) -> None:
    assert await walk_permissions(WALKED) == []


def test_public_operations_are_a_short_list_with_reasons() -> None:
    contracts = (Identity, sites.Sites, Orders, stats.Stats, Support)
    public = {name for one in contracts for name, signature in signatures(one).items() if signature.declared.public}
    assert public == set(PUBLIC)
    assert {name for name, signature in signatures(Identity).items() if signature.declared.open} == set(OPEN)
