"""The blueprint of support."""

import base64
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from services.access.caller import Caller
from services.access.copy import ACCESS_COPY
from services.access.language import DEFAULT_LANGUAGE
from services.chassis.events.copies.rebuild import Copy
from services.chassis.jobs.schedule import DueRows, Recurring
from services.chassis.process import BackgroundLoop
from services.chassis.runtime.settings import InvalidSettings
from services.contracts.identity.people import Language
from services.contracts.sites import SiteStated
from services.contracts.support.operations import Support
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.support.domain.delivery_report import DeliveryFailure
from services.support.domain.limits import MessageLimits
from services.support.http.api import SupportApi, SupportDependencies
from services.support.http.attachments import attachment_purpose
from services.support.http.imports import ServiceImports
from services.support.http.order_summaries import OrdersOrderSummaries
from services.support.http.recipients import IdentityRecipients
from services.support.http.site_contacts import SitesSiteContacts
from services.support.http.subjects import OrdersSubjects
from services.support.http.unsubscribe_links import SignedUnsubscribeLinks
from services.support.messaging.bounce_addresses import SignedBounceAddresses
from services.support.messaging.bounce_listener import BounceListener
from services.support.messaging.handlers import HANDLERS, ticket_request_handlers
from services.support.messaging.jobs import MessageMails, closing_job, messages_job, retention_job
from services.support.settings import SupportSettings
from services.support.store.messages import DUE_CAUSES
from services.support.store.owners import OWNERS
from services.support.store.retention import DeleteExpiredMessages
from services.support.store.sensitive import SENSITIVE
from services.support.store.tickets import SOLVED_TICKETS
from services.support.store.transaction import SupportTransaction
from services.support.usecases.close_ticket import CloseTicket
from services.support.usecases.record_bounce import record_bounce
from services.support.usecases.record_cause import SendMessages
from services.support.usecases.send_messages import MessageSources

Runtime = ServiceRuntime[SupportTransaction]


def _build_api(runtime: Runtime) -> Callable[[Caller], Support]:
    # Most tests run without a process, whose settings have no limits.
    limits = runtime.settings.message_limits if isinstance(runtime.settings, SupportSettings) else MessageLimits()
    dependencies = SupportDependencies(
        runtime=runtime,
        limits=limits,
        recipients=IdentityRecipients(runtime.identity, runtime.tokens),
        site_contacts=SitesSiteContacts(runtime.channels["sites"], runtime.tokens),
        subjects=OrdersSubjects(runtime.channels["orders"], runtime.tokens),
        links=_unsubscribe_links(runtime),
        language=_language(runtime),
    )
    return lambda caller: SupportApi(dependencies, caller)


def _language(runtime: Runtime) -> Language:
    return runtime.settings.language if isinstance(runtime.settings, SupportSettings) else DEFAULT_LANGUAGE


def _signing_key(runtime: Runtime) -> bytes:
    return base64.b64decode(runtime.settings.files_key) if runtime.settings else b""


def _unsubscribe_links(runtime: Runtime) -> SignedUnsubscribeLinks:
    public_url = runtime.settings.public_url if isinstance(runtime.settings, SupportSettings) else ""
    return SignedUnsubscribeLinks(_signing_key(runtime), public_url)


def _bounce_addresses(runtime: Runtime) -> SignedBounceAddresses:
    base = runtime.settings.bounce_address if isinstance(runtime.settings, SupportSettings) else ""
    return SignedBounceAddresses(_signing_key(runtime), base)


def _message_sources(runtime: Runtime) -> MessageSources:
    return MessageSources(
        recipients=IdentityRecipients(runtime.identity, runtime.tokens),
        sites=SitesSiteContacts(runtime.channels["sites"], runtime.tokens),
        orders=OrdersOrderSummaries(runtime.channels["orders"], runtime.tokens),
        imports=ServiceImports({**runtime.channels, "identity": runtime.identity}, runtime.tokens),
        links=_unsubscribe_links(runtime),
        bounces=_bounce_addresses(runtime),
        letterhead=runtime.settings.letterhead,
        language=_language(runtime),
    )


def _listeners(runtime: Runtime) -> Sequence[BackgroundLoop]:
    settings = runtime.settings
    if not isinstance(settings, SupportSettings) or settings.bounce_listen is None:
        return []
    if not settings.files_key:
        raise InvalidSettings(
            "KIERTO_SUPPORT_FILES_KEY is missing (it verifies the addresses to which mails come back)"
        )

    async def record(mail_id: uuid.UUID, failure: DeliveryFailure) -> None:
        await record_bounce(runtime.work, settings.language, mail_id, failure)

    return [BounceListener(settings.bounce_listen, _bounce_addresses(runtime), record).run]


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
    calls=["orders", "sites", "stats"],
    subscribes_to=["identity", "sites", "orders", "stats"],
    handlers=lambda runtime: {**HANDLERS, **ticket_request_handlers(_language(runtime))},
    sensitive=SENSITIVE,
    versioned=["tickets"],
    copies=[ACCESS_COPY, Copy(SiteStated, "sites")],
    jobs=lambda runtime: [
        messages_job(runtime.work, _message_sources(runtime)),
        closing_job(runtime.work),
        retention_job(runtime.pool, runtime.clock),
    ],
    due_rows=[
        DueRows(query=DUE_CAUSES, job=lambda row: SendMessages(cause_id=row["id"])),
        DueRows(query=SOLVED_TICKETS, job=lambda row: CloseTicket(ticket_id=row["id"])),
    ],
    recurring=[Recurring(job=DeleteExpiredMessages(), every=dt.timedelta(hours=1))],
    mail_owner=lambda runtime: MessageMails(runtime.work, _language(runtime)),
    listeners=_listeners,
)
