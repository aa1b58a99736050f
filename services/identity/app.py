"""The blueprint of identity."""

import datetime as dt
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from services.access.caller import Caller
from services.access.copy import ACCESS_COPY
from services.chassis.auth.tokens import Signer
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy
from services.chassis.imports.export_files import ImportKind
from services.chassis.imports.record_changes import leads_of
from services.chassis.jobs.job import JobHandler, JobRun
from services.chassis.jobs.schedule import Recurring
from services.chassis.runtime.settings import InvalidSettings
from services.contracts.identity.events import AccessStated, OrganisationStated
from services.contracts.identity.operations import Identity
from services.contracts.sites import SiteStated
from services.contracts.stats import InvoiceStated
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.identity.domain.organisation import OrganisationFacts
from services.identity.domain.registration import RegistrationRules
from services.identity.hashing.argon2 import Argon2Passwords
from services.identity.hashing.queue import HashingQueue
from services.identity.http.api import IdentityApi, IdentityDependencies
from services.identity.http.jwks import jwks_route
from services.identity.messaging.handlers import HANDLERS
from services.identity.messaging.jobs import recovery_job
from services.identity.queries import directory
from services.identity.settings import IdentitySettings
from services.identity.store.owners import OWNERS
from services.identity.store.retention import DeleteExpiredSessions, delete_expired
from services.identity.store.sensitive import SENSITIVE
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.announce_access import announce_partners, announce_users
from services.identity.usecases.announce_organisations import announce_organisations
from services.identity.usecases.import_organisations import OrganisationRow, import_organisations
from services.identity.usecases.send_account_mail import AccountMails

Runtime = ServiceRuntime[IdentityTransaction]


def _build_api(runtime: Runtime) -> Callable[[Caller], IdentityApi]:
    settings = _settings(runtime)
    dependencies = IdentityDependencies(
        runtime=runtime,
        passwords=Argon2Passwords(),
        hashing_queue=HashingQueue(),
        signer=_signer(runtime),
        pepper=settings.pepper.encode(),
        service_secrets=settings.service_secrets,
        rules=_rules(runtime),
        mails=_mails(runtime),
    )
    return lambda caller: IdentityApi(dependencies, caller)


def _fetch_access(runtime: Runtime) -> Callable[[str], Awaitable[AccessStated | None]]:
    """Return a function that reads access from identity's own database."""

    async def fetch(subject_id: str) -> AccessStated | None:
        async with runtime.pool.acquire() as connection:
            return await directory.access_of(connection, subject_id)

    return fetch


def _public_keys(runtime: Runtime) -> Callable[[], Awaitable[str]]:
    signer = _signer(runtime)

    async def keys() -> str:
        return signer.public_keys()

    return keys


def _retention(runtime: Runtime) -> JobHandler[DeleteExpiredSessions]:
    async def run(job: DeleteExpiredSessions, run: JobRun) -> None:
        await delete_expired(runtime.pool, runtime.clock.now())

    return JobHandler(DeleteExpiredSessions, run, held=False)


def _mails(runtime: Runtime) -> AccountMails:
    settings = _settings(runtime)
    return AccountMails(pepper=settings.pepper.encode(), portal_url=settings.portal_url, letterhead=settings.letterhead)


def _signer(runtime: Runtime) -> Signer:
    file = _settings(runtime).signing_key_file
    try:
        return Signer(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"KIERTO_IDENTITY_SIGNING_KEY_FILE names no key that can be read: {error}") from error


def _rules(runtime: Runtime) -> RegistrationRules:
    settings = _settings(runtime)
    return RegistrationRules(
        customer_number_format=settings.customer_number_format,
        customer_number_example=settings.customer_number_example,
        invoice_number_format=settings.invoice_number_format,
        invoice_number_example=settings.invoice_number_example,
        latest_invoices=settings.latest_invoices,
        terms_version=settings.terms_version,
    )


def _imports(runtime: Runtime) -> Sequence[ImportKind[IdentityTransaction, Any]]:
    leads = leads_of(runtime.settings, "organisations", OrganisationFacts)
    import_rows = functools.partial(import_organisations, rules=_rules(runtime), leads=leads)
    return [ImportKind("organisations", OrganisationRow, ("customer_number",), import_rows)]


def _settings(runtime: Runtime) -> IdentitySettings:
    assert isinstance(runtime.settings, IdentitySettings)
    return runtime.settings


IDENTITY: Blueprint[IdentityTransaction, Identity] = Blueprint(
    name="identity",
    contract=Identity,
    settings=IdentitySettings,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=IdentityTransaction,
    bind=_build_api,
    owners=OWNERS,
    subscribes_to=["identity", "sites", "orders", "stats", "support"],
    handlers=lambda runtime: HANDLERS,
    sensitive=SENSITIVE,
    append_only=["public.collected_audit"],
    versioned=["organisations", "users", "partners"],
    has_files=True,
    imports=_imports,
    announcements=[
        Announcement(
            entity="organisation", event=OrganisationStated, table="organisations", emit_page=announce_organisations
        ),
        Announcement(entity="user", event=AccessStated, table="users", emit_page=announce_users),
        Announcement(entity="partner", event=AccessStated, table="partners", emit_page=announce_partners),
    ],
    copies=[ACCESS_COPY, Copy(InvoiceStated, "invoices"), Copy(SiteStated, "sites")],
    fetch_access=_fetch_access,
    public_keys=_public_keys,
    routes=lambda runtime, authenticator: [jwks_route(_signer(runtime))],
    jobs=lambda runtime: [_retention(runtime), recovery_job(runtime.work, _mails(runtime))],
    recurring=[Recurring(job=DeleteExpiredSessions(), every=dt.timedelta(minutes=10))],
)
