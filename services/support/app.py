"""The blueprint of support."""

from collections.abc import Callable
from pathlib import Path

from services.access.caller import Caller
from services.access.copy import ACCESS_COPY
from services.chassis.events.copies.rebuild import Copy
from services.contracts.sites import SiteStated
from services.contracts.support.operations import Support
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.support.domain.limits import MessageLimits
from services.support.http.api import SupportApi, SupportDependencies
from services.support.http.attachments import attachment_purpose
from services.support.http.recipients import IdentityRecipients
from services.support.http.site_contacts import SitesSiteContacts
from services.support.messaging.handlers import HANDLERS
from services.support.messaging.jobs import receipt_job
from services.support.settings import SupportSettings
from services.support.store.owners import OWNERS
from services.support.store.sensitive import SENSITIVE
from services.support.store.transaction import SupportTransaction

Runtime = ServiceRuntime[SupportTransaction]


def _build_api(runtime: Runtime) -> Callable[[Caller], Support]:
    # Most tests run without a process, whose settings have no limits.
    limits = runtime.settings.message_limits if isinstance(runtime.settings, SupportSettings) else MessageLimits()
    dependencies = SupportDependencies(
        runtime=runtime,
        limits=limits,
        recipients=IdentityRecipients(runtime.identity, runtime.tokens),
        site_contacts=SitesSiteContacts(runtime.channels["sites"], runtime.tokens),
    )
    return lambda caller: SupportApi(dependencies, caller)


SUPPORT: Blueprint[SupportTransaction, Support] = Blueprint(
    name="support",
    contract=Support,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=SupportTransaction,
    bind=_build_api,
    owners=OWNERS,
    settings=SupportSettings,
    has_files=True,
    uploads=lambda runtime: attachment_purpose(runtime.files),
    calls=["orders", "sites"],
    subscribes_to=["identity", "sites"],
    handlers=lambda runtime: HANDLERS,
    sensitive=SENSITIVE,
    versioned=["tickets"],
    copies=[ACCESS_COPY, Copy(SiteStated, "sites")],
    jobs=lambda runtime: [
        receipt_job(runtime.work, IdentityRecipients(runtime.identity, runtime.tokens), runtime.settings.letterhead)
    ],
)
