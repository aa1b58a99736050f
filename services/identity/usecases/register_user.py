"""Registration with the numbers that are printed on an invoice (I1, I2)."""

from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.people import Register, Registered
from services.contracts.permission import Role
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import MembershipRecord, UserRecord
from services.identity.domain.attempts import Scope
from services.identity.domain.link import LinkPurpose
from services.identity.domain.organisation import OrganisationRecord
from services.identity.domain.registration import RegistrationRules, normalise_registration, registration_problems
from services.identity.usecases.limit_attempts import count_attempt, counter_of
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.send_account_mail import AccountMails, send_link
from services.identity.usecases.state_access import state_access


async def register_user(
    work: Work, passwords: Passwords, mails: AccountMails, rules: RegistrationRules, typed: Register, address: str
) -> Registered | Refusal:
    """Create an account. The first of an organisation is its ADMIN; a later one requests access from its admins.

    The address gets a link that verifies it. A taken username is refused only with right numbers, and counts as an
    attempt, too.
    """
    command = normalise_registration(typed)
    if problems := registration_problems(command, rules):
        return Refusal(problems=problems)
    by_address = counter_of(mails.pepper, Scope.ADDRESS, address)
    by_number = counter_of(mails.pepper, Scope.CUSTOMER_NUMBER, command.customer_number)
    async with work() as tx:
        counted = await count_attempt(tx, by_address, by_number)
    if isinstance(counted, Refusal):
        return counted
    # Before any look-up, so that every response takes the same time.
    password_hash = await passwords.hash(command.password)
    async with work() as tx:
        organisation = await _find_customer(tx, rules, command)
        if organisation is None:
            return refuse("CUSTOMER_NOT_RECOGNISED")
        # The organisation's row is locked: of two concurrent registrations, one is the first.
        first = not await tx.users.any_in(organisation.id)
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
        if not await tx.users.add(user, tx.now):
            return refuse("USERNAME_TAKEN", "username")
        if not first:
            await tx.users.request_access(user.id, organisation.id, tx.now)
        await state_access(tx, user)
        await send_link(tx, mails, user, LinkPurpose.VERIFY_EMAIL)
        await tx.attempts.refund(counted.counters)
    return Registered(user_id=write_id("user", user.id), access_requested=not first)


async def _find_customer(tx: IdentityStore, rules: RegistrationRules, command: Register) -> OrganisationRecord | None:
    """Return the organisation, locked, if the invoice is one of its latest.

    It is locked only then: a lock writes to the row, which takes longer than the look-up of an unknown customer.
    """
    if command.invoice_number not in await tx.invoices.latest_numbers(command.customer_number, rules.latest_invoices):
        return None
    return (await tx.organisations.lock_by_number([command.customer_number])).get(command.customer_number)


def _admin_membership(organisation: OrganisationRecord) -> MembershipRecord:
    return MembershipRecord(organisation_id=organisation.id, role=Role.ADMIN, billing=True)
