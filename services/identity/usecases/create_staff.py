"""The creation of staff users on the host (I17)."""

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.people import Language
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import UserRecord
from services.identity.domain.names import normalise_username
from services.identity.domain.registration import account_problems
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.state_access import state_access


async def create_staff(
    work: Work, passwords: Passwords, username: str, email: str, password: str, language: Language
) -> str | Refusal:
    """Create a staff user and return their id. Refused with MALFORMED, WEAK_PASSWORD, USERNAME_TAKEN."""
    username, email = normalise_username(username), email.strip()
    if problems := account_problems(username, email, password):
        return Refusal(problems=problems)
    password_hash = await passwords.hash(password)
    async with work() as tx:
        user = UserRecord(
            id=new_uuid(),
            username=username,
            email=email,
            # It was entered on the host, by someone who may do everything.
            email_verified_at=tx.now,
            language=language,
            password_hash=password_hash,
            staff=True,
        )
        user_id = write_id("user", user.id)
        if not await tx.users.add(user, tx.now):
            return refuse("USERNAME_TAKEN", "username")
        await state_access(tx, user)
        tx.audit(AuditEntry(actor="host", action="STAFF_CREATED", subject=user_id))
    return user_id
