"""The events of the pickups that a changed holiday moves (O16)."""

import datetime as dt
import uuid

from services.orders.domain.holidays import Holidays
from services.orders.domain.pickup import regular_pickup
from services.orders.mapping.events import pickup_moved_event
from services.orders.usecases.ports.transaction import OrdersStore

MOVED_PICKUPS = "moved-pickups"
"""The kind of the fan-out; its subject is the day of the rhythm."""


def moved_days(before: Holidays, after: Holidays, today: dt.date) -> list[dt.date]:
    """Return the days from ``today`` on whose pickups a change of holidays moves."""
    days = {*before.days, *after.days}
    return sorted(day for day in days if day >= today and before.pickup_day(day) != after.pickup_day(day))


async def emit_moved_pickups(tx: OrdersStore, day: str, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """Emit the events of one day's pickups, by their agreements' ids; return these."""
    planned_on = dt.date.fromisoformat(day)
    date = (await tx.holidays.of_zone(tx.clock.zone.key)).pickup_day(planned_on)
    agreements = await tx.agreements.planned_on(planned_on, after, limit)
    for agreement in agreements:
        tx.emit(pickup_moved_event(agreement, regular_pickup(agreement.id, planned_on, date)))
    return [agreement.id for agreement in agreements]
