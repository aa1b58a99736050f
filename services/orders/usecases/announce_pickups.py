"""The announcement of all recorded pickups, for services that keep copies."""

import uuid

from services.contracts.orders.events import PickupStated
from services.orders.mapping.events import pickup_event
from services.orders.usecases.ports.transaction import OrdersStore


async def announce_pickups(tx: OrdersStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """Emit the events of the recorded pickups with the next ids."""
    recorded = await tx.pickups.after(after, limit)
    for pickup in recorded:
        tx.emit(pickup_event(pickup, PickupStated))
    return [pickup.pickup.id for pickup in recorded]
