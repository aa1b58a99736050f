"""Handlers of the events that support subscribes to."""

from services.access import copy
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.events import (
    IdentityImportFinished,
    IdentityTicketRequested,
    IdentityTicketRequestWithdrawn,
)
from services.contracts.identity.people import Language
from services.contracts.imports import ImportFinished
from services.contracts.orders.events import (
    OrderMoved,
    OrderPlaced,
    OrdersImportFinished,
    OrdersTicketRequested,
    OrdersTicketRequestWithdrawn,
    PickupMoved,
    PickupRecorded,
)
from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import SitesImportFinished, SiteStated, SitesTicketRequested, SitesTicketRequestWithdrawn
from services.contracts.stats import StatsImportFinished, StatsTicketRequested, StatsTicketRequestWithdrawn
from services.contracts.support.messages import MessageKind
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn
from services.support.domain.ticket import SiteCopy
from services.support.store.transaction import SupportTransaction
from services.support.usecases.answer_ticket_request import answer_ticket_request, withdraw_ticket_request
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import record_cause

_REQUESTED = (IdentityTicketRequested, SitesTicketRequested, OrdersTicketRequested, StatsTicketRequested)
_WITHDRAWN = (
    IdentityTicketRequestWithdrawn,
    SitesTicketRequestWithdrawn,
    OrdersTicketRequestWithdrawn,
    StatsTicketRequestWithdrawn,
)
_IMPORT_FINISHED = (IdentityImportFinished, SitesImportFinished, OrdersImportFinished, StatsImportFinished)
_CONFIRMED_STATES = frozenset({OrderState.CONFIRMED, OrderState.SCHEDULED})


async def handle_site_stated(tx: SupportStore, event: ReceivedEvent[SiteStated]) -> None:
    """Copy a site: its organisation decides who may write about it, and mails name its number."""
    stated = event.data
    site = SiteCopy(
        id=read_id("site", stated.site_id),
        organisation_id=read_id("org", stated.organisation_id),
        site_number=stated.site_number,
    )
    await tx.sites.upsert(site, stated.version)


async def handle_order_event(tx: SupportStore, event: ReceivedEvent[OrderPlaced | OrderMoved]) -> None:
    """Tell that an order was confirmed, by whichever of its events says so first."""
    order = event.data
    if order.state in _CONFIRMED_STATES:
        await record_cause(
            tx,
            MessageKind.ORDER_CONFIRMED,
            read_id("order", order.order_id),
            organisation_id=read_id("org", order.organisation_id),
            site_id=read_id("site", order.site_id),
            at=event.time,
        )


async def handle_pickup_recorded(tx: SupportStore, event: ReceivedEvent[PickupRecorded]) -> None:
    """Tell that the bins could not be emptied."""
    pickup = event.data
    if pickup.state is PickupState.FAILED:
        await record_cause(
            tx,
            MessageKind.COULD_NOT_EMPTY,
            read_id("pickup", pickup.pickup_id),
            organisation_id=read_id("org", pickup.organisation_id),
            site_id=read_id("site", pickup.site_id),
            # An import of past pickups is a series of reports.
            at=pickup.done_at or event.time,
        )


async def handle_pickup_moved(tx: SupportStore, event: ReceivedEvent[PickupMoved]) -> None:
    """Tell the new day of a pickup, unless it is the one that was told last, or both days are over."""
    pickup = event.data
    if max(pickup.planned_on, pickup.date) < tx.today:
        return
    pickup_id = read_id("pickup", pickup.pickup_id)
    earlier = await tx.messages.causes_of(MessageKind.DAY_CHANGED, pickup_id)
    if earlier and earlier[0].day == pickup.date:
        return
    await record_cause(
        tx,
        MessageKind.DAY_CHANGED,
        pickup_id,
        organisation_id=read_id("org", pickup.organisation_id),
        site_id=read_id("site", pickup.site_id),
        at=event.time,
        day=pickup.date,
        key=f"{pickup_id} {len(earlier) + 1} {pickup.date}",
    )


async def handle_import_finished(tx: SupportStore, event: ReceivedEvent[ImportFinished]) -> None:
    """Tell the employee who started an import that it has ended, unless it was cancelled."""
    ended = event.data
    if ended.state is not BulkOperationState.CANCELLED:
        await record_cause(
            tx,
            MessageKind.IMPORT_FINISHED,
            read_id(f"import_{event.type.service}", ended.import_id),
            organisation_id=None,
            site_id=None,
            at=event.time,
            recipient=ended.starter_id,
            key=ended.import_id,
        )


def ticket_request_handlers(language: Language) -> Handlers[SupportTransaction]:
    """Return the handlers of all services' requests for tickets, which are written in the operator's language."""

    async def handle_requested(tx: SupportStore, event: ReceivedEvent[TicketRequested]) -> None:
        await answer_ticket_request(tx, event.type.service, language, event.data)

    async def handle_withdrawn(tx: SupportStore, event: ReceivedEvent[TicketRequestWithdrawn]) -> None:
        await withdraw_ticket_request(tx, event.type.service, language, event.data)

    return {
        **dict.fromkeys(_REQUESTED, handle_requested),
        **dict.fromkeys(_WITHDRAWN, handle_withdrawn),
    }


HANDLERS: Handlers[SupportTransaction] = {
    **copy.HANDLERS,
    SiteStated: handle_site_stated,
    OrderPlaced: handle_order_event,
    OrderMoved: handle_order_event,
    PickupRecorded: handle_pickup_recorded,
    PickupMoved: handle_pickup_moved,
    **dict.fromkeys(_IMPORT_FINISHED, handle_import_finished),
}
