"""Stating every pickup again, for those who keep what became of it."""

import uuid

from services.contracts.orders import PickupStated
from services.orders.mapping.events import pickup_event
from services.orders.usecases.ports import OrdersStore


async def announce_pickups(tx: OrdersStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the pickups with the next ids, of which something was recorded."""
    recorded = await tx.pickups_after(after, limit)
    for one in recorded:
        tx.emit(pickup_event(one, PickupStated))
    return [one.pickup.id for one in recorded]
