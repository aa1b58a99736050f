"""What is done with identity on the host itself, beside its processes (I17). For ``kierto staff create``."""

from pathlib import Path

from services.chassis.db import postgres
from services.chassis.events.transaction import PostgresUnitOfWork
from services.chassis.runtime.clock import SystemClock
from services.contracts.identity import Language
from services.contracts.values import Refusal
from services.identity.store.passwords import Argon2Passwords
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases import create_staff as usecase


async def create_staff(
    database_url: str,
    clock_file: Path | None,
    *,
    username: str,
    email: str,
    password: str,
    language: Language = Language.FI,
) -> str | Refusal:
    """Make a staff user in identity's database; their id.

    Refused with MALFORMED, WEAK_PASSWORD, or USERNAME_TAKEN, also when the same is made twice. The relay announces it
    as soon as it runs. ``clock_file`` moves the clock, outside production.
    """
    pool = await postgres.open_pool(database_url, name="kierto staff create", size=1)
    try:
        # The zone matters to nothing here: there is no day in it.
        work = PostgresUnitOfWork(pool, SystemClock("UTC", clock_file), IdentityTransaction, lambda: None)
        return await usecase.create_staff(work, Argon2Passwords(), username, email, password, language)
    finally:
        await pool.close()
