"""Commands on the host itself (I17): ``kierto staff create``."""

from pathlib import Path

from services.chassis.db import postgres
from services.chassis.events.transaction import PostgresUnitOfWork
from services.chassis.runtime.clock import SystemClock
from services.contracts.identity.people import Language
from services.contracts.values import Refusal
from services.identity.hashing.argon2 import Argon2Passwords
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases import create_staff as use_case


async def create_staff(
    database_url: str,
    clock_file: Path | None,
    *,
    username: str,
    email: str,
    password: str,
    language: Language = Language.FI,
) -> str | Refusal:
    """Create a staff user in identity's database and return their id.

    Refused with MALFORMED, WEAK_PASSWORD, or USERNAME_TAKEN, also on repetition. The relay publishes the user's access
    as soon as it runs. ``clock_file`` shifts the clock, outside production.
    """
    pool = await postgres.open_pool(database_url, name="kierto staff create", size=1)
    try:
        # Any zone will do: nothing here depends on the day.
        work = PostgresUnitOfWork(pool, SystemClock("UTC", clock_file), IdentityTransaction)
        return await use_case.create_staff(work, Argon2Passwords(), username, email, password, language)
    finally:
        await pool.close()
