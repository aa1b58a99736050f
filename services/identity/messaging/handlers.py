"""Handlers of the events that identity subscribes to."""

from collections.abc import Sequence

from services.chassis.events.consume.handlers import BatchHandler, Handlers, batch_handler
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.audit import AuditRecorded
from services.contracts.identity.events import IdentityAuditRecorded
from services.contracts.orders.events import OrdersAuditRecorded
from services.contracts.sites import SitesAuditRecorded, SiteStated
from services.contracts.stats import InvoiceStated, StatsAuditRecorded
from services.contracts.support.events import SupportAuditRecorded
from services.identity.domain.organisation import InvoiceCopy
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.ports.transaction import IdentityStore


async def handle_invoice_stated(tx: IdentityStore, event: ReceivedEvent[InvoiceStated]) -> None:
    """Keep an invoice by customer number, number and date, for registration (I1)."""
    stated = event.data
    await tx.invoices.upsert(
        InvoiceCopy(
            id=read_id("invoice", stated.invoice_id),
            customer_number=stated.customer_number,
            invoice_number=stated.invoice_number,
            invoice_date=stated.invoice_date,
            version=stated.version,
        )
    )


async def handle_site_stated(tx: IdentityStore, event: ReceivedEvent[SiteStated]) -> None:
    """Copy a site with its organisation, for memberships and invitations that name it."""
    stated = event.data
    await tx.sites.upsert(read_id("site", stated.site_id), read_id("org", stated.organisation_id), stated.version)


async def collect_audit(tx: IdentityStore, events: Sequence[ReceivedEvent[AuditRecorded]]) -> None:
    """Keep the audit entries of all services in one place."""
    await tx.collected_audit.add([(event.type.service, event.data) for event in events])


COLLECT_AUDIT: BatchHandler[IdentityTransaction] = batch_handler(collect_audit)
_AUDIT_EVENTS: Sequence[type[AuditRecorded]] = (
    IdentityAuditRecorded,
    SitesAuditRecorded,
    OrdersAuditRecorded,
    StatsAuditRecorded,
    SupportAuditRecorded,
)
HANDLERS: Handlers[IdentityTransaction] = {
    InvoiceStated: handle_invoice_stated,
    SiteStated: handle_site_stated,
    **dict.fromkeys(_AUDIT_EVENTS, COLLECT_AUDIT),
}
