"""Identity, put together: reads like a table of contents."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from services.access.assembly import Blueprint, Foundation
from services.access.caller import Caller
from services.access.copy import ACCESS
from services.chassis.announcing import Announcement
from services.chassis.export_files import Kind
from services.chassis.process import Loop
from services.chassis.rebuilding import Copy
from services.chassis.settings import WrongSettings
from services.chassis.tokens import Signer
from services.contracts.identity import AccessStated, Identity, OrganisationStated
from services.contracts.stats import InvoiceStated
from services.identity.domain.registration import RegistrationRules
from services.identity.http.equipment import Equipment
from services.identity.http.keys import keys_route
from services.identity.http.offering import Offering
from services.identity.messaging.handlers import HANDLERS
from services.identity.settings import IdentitySettings
from services.identity.store import reads
from services.identity.store.expiry import keep_forgetting
from services.identity.store.hashing_queue import HashingQueue
from services.identity.store.passwords import Argon2Passwords
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.announce_access import announce_partners, announce_users
from services.identity.usecases.announce_organisations import announce_organisations
from services.identity.usecases.import_organisations import OrganisationRow, import_organisations

Base = Foundation[IdentityTransaction]


def _bind(base: Base) -> Callable[[Caller], Offering]:
    settings = _settings(base)
    equipment = Equipment(
        base=base,
        passwords=Argon2Passwords(),
        queue=HashingQueue(),
        signer=_signer(base),
        pepper=settings.pepper.encode(),
        service_secrets=settings.service_secrets,
        rules=_rules(base),
    )
    return lambda caller: Offering(equipment, caller)


def _ask_identity(base: Base) -> Callable[[str], Awaitable[AccessStated | None]]:
    """Identity asks its own database."""

    async def ask(subject_id: str) -> AccessStated | None:
        async with base.pool.acquire() as connection:
            return await reads.access_of(connection, subject_id)

    return ask


def _public_keys(base: Base) -> Callable[[], Awaitable[str]]:
    signer = _signer(base)

    async def keys() -> str:
        return signer.public_keys()

    return keys


def _forgetting(base: Base) -> Loop:
    async def loop(stop: asyncio.Event) -> None:
        await keep_forgetting(base.pool, base.clock, stop)

    return loop


def _signer(base: Base) -> Signer:
    file = _settings(base).signing_key_file
    try:
        return Signer(file.read_bytes())
    except (OSError, ValueError) as error:
        raise WrongSettings(f"KIERTO_IDENTITY_SIGNING_KEY_FILE names no key that can be read: {error}") from error


def _rules(base: Base) -> RegistrationRules:
    settings = _settings(base)
    return RegistrationRules(
        customer_number_format=settings.customer_number_format,
        customer_number_example=settings.customer_number_example,
        invoice_number_format=settings.invoice_number_format,
        invoice_number_example=settings.invoice_number_example,
        terms_version=settings.terms_version,
    )


def _imports(base: Base) -> Sequence[Kind[IdentityTransaction, Any]]:
    take = functools.partial(import_organisations, rules=_rules(base))
    return [Kind("organisations", OrganisationRow, ("customer_number",), take)]


def _settings(base: Base) -> IdentitySettings:
    assert isinstance(base.settings, IdentitySettings)
    return base.settings


IDENTITY: Blueprint[IdentityTransaction, Identity] = Blueprint(
    name="identity",
    contract=Identity,
    settings=IdentitySettings,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=IdentityTransaction,
    bind=_bind,
    listens=["stats"],
    handlers=lambda base: HANDLERS,
    versioned=["organisations", "users", "partners"],
    imports=_imports,
    announcements=[
        Announcement(
            thing="organisation", event=OrganisationStated, table="organisations", state=announce_organisations
        ),
        Announcement(thing="user", event=AccessStated, table="users", state=announce_users),
        Announcement(thing="partner", event=AccessStated, table="partners", state=announce_partners),
    ],
    copies=[ACCESS, Copy(InvoiceStated, "invoices")],
    ask_identity=_ask_identity,
    public_keys=_public_keys,
    routes=lambda base, authentication: [keys_route(_signer(base))],
    loops=lambda base: [_forgetting(base)],
)
