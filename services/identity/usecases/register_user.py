"""Making an account from what is printed on an invoice (I1, I2)."""

from services.chassis.ids import new_uuid, write_id
from services.contracts.identity import Register, Registered, Role
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import MembershipRecord, UserRecord
from services.identity.domain.attempts import Scope
from services.identity.domain.organisation import OrganisationRecord
from services.identity.domain.registration import RegistrationRules, normalise_registration, registration_problems
from services.identity.usecases.limit_attempts import count_attempt, counter_of
from services.identity.usecases.ports import IdentityStore, Passwords, Work
from services.identity.usecases.state_access import state_access


async def register_user(
    work: Work, passwords: Passwords, pepper: bytes, rules: RegistrationRules, typed: Register, address: str
) -> Registered | Refusal:
    """Make an account; the first of an organisation becomes its ADMIN, a later one asks its admins.

    Whether a username is taken is told only to those whose numbers are right, and counts as an attempt too.
    """
    command = normalise_registration(typed)
    if problems := registration_problems(command, rules):
        return Refusal(problems=problems)
    by_address = counter_of(pepper, Scope.ADDRESS, address)
    by_number = counter_of(pepper, Scope.CUSTOMER_NUMBER, command.customer_number)
    async with work() as tx:
        counted_by = await count_attempt(tx, by_address, by_number)
    if isinstance(counted_by, Refusal):
        return counted_by
    # Before anything is looked up: every answer takes the same time.
    password_hash = await passwords.hash(command.password)
    async with work() as tx:
        organisation = await _find_customer(tx, command)
        if organisation is None:
            return refuse("CUSTOMER_NOT_RECOGNISED")
        # The organisation's row is locked: of two who are first at once, one is.
        first = not await tx.has_members(organisation.id)
        user = UserRecord(
            id=new_uuid(),
            username=command.username,
            email=command.email,
            language=command.language,
            password_hash=password_hash,
            terms_version=command.terms_version,
            terms_accepted_at=tx.now,
            memberships=[_admin_membership(organisation)] if first else [],
        )
        if not await tx.add_user(user):
            return refuse("USERNAME_TAKEN", "username")
        if not first:
            await tx.request_access(user.id, organisation.id)
        await state_access(tx, user)
        await tx.refund_attempts(counted_by)
    return Registered(user_id=write_id("user", user.id), access_requested=not first)


async def _find_customer(tx: IdentityStore, command: Register) -> OrganisationRecord | None:
    """Return the organisation, locked, if the invoice is its newest.

    Nothing is locked before that is known: a lock is written, which takes longer than to find no such customer.
    """
    if command.invoice_number not in await tx.newest_invoices(command.customer_number):
        return None
    return (await tx.organisations_by_number([command.customer_number])).get(command.customer_number)


def _admin_membership(organisation: OrganisationRecord) -> MembershipRecord:
    return MembershipRecord(organisation_id=organisation.id, role=Role.ADMIN, billing=True)
