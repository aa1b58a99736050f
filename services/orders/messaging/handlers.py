"""Handlers of the events that orders subscribes to."""

from services.access import copy
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.sites import ContainerStated, SiteStated
from services.orders.domain.agreement import ContainerCopy, SiteCopy
from services.orders.store.transaction import OrdersTransaction
from services.orders.usecases.ports.transaction import OrdersStore


async def handle_site_stated(tx: OrdersStore, event: ReceivedEvent[SiteStated]) -> None:
    """Copy a site: its organisation decides about access, its municipality about rules."""
    stated = event.data
    await tx.sites.upsert(
        SiteCopy(
            id=read_id("site", stated.site_id),
            organisation_id=read_id("org", stated.organisation_id),
            site_number=stated.site_number,
            municipality=stated.municipality,
            area=stated.area,
            property_type=stated.property_type.value,
            version=stated.version,
        )
    )


async def handle_container_stated(tx: OrdersStore, event: ReceivedEvent[ContainerStated]) -> None:
    """Copy a container, to which agreements refer."""
    stated = event.data
    await tx.containers.upsert(
        ContainerCopy(
            id=read_id("container", stated.container_id),
            container_number=stated.container_number,
            site_id=read_id("site", stated.site_id),
            organisation_id=read_id("org", stated.organisation_id),
            fraction=stated.fraction,
            litres=stated.litres,
            count=stated.count,
            version=stated.version,
        )
    )


HANDLERS: Handlers[OrdersTransaction] = {
    **copy.HANDLERS,
    SiteStated: handle_site_stated,
    ContainerStated: handle_container_stated,
}
