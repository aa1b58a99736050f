"""What drivers' systems and the ERP say of pickups takes effect: on the pickups, and on the orders that they fulfil."""

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from services.contracts.orders import PickupRecorded
from services.orders.domain import order, pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.usecases.announce import known_of, moved
from services.orders.usecases.ports import OrdersStore


class Said(msgspec.Struct, frozen=True):
    """A report, and the pickup that it is about as it would be had nothing been reported."""

    report: Report
    pickup: PickupRecord
    agreement: AgreementRecord


async def record_pickups(tx: OrdersStore, said: Sequence[Said], orders: Mapping[uuid.UUID, OrderRecord]) -> None:
    """Keep the reports and bring their pickups and orders to what all reports come to.

    The agreements are locked, and ``orders`` are theirs. A pickup whose outcome is what it was is not announced.
    """
    await tx.save_reports([one.report for one in said])
    about = {one.pickup.id: one for one in said}
    reports = await tx.reports_of(about)
    known = await tx.pickups(about)
    changed: list[RecordedPickup] = []
    moved_orders: list[OrderRecord] = []
    for pickup_id, one in about.items():
        before = known.get(pickup_id, one.pickup)
        after = pickup.recorded(before, pickup.fold(reports[pickup_id]))
        if after is before:
            continue
        changed.append(pickup.of_agreement(after, one.agreement))
        tx.emit(known_of(changed[-1], PickupRecorded))
        fulfilled = orders.get(after.order_id) if after.order_id else None
        state = pickup.order_state(after.outcome)
        if fulfilled is None or state is None:
            continue
        step = order.follow(fulfilled, state, at=tx.now, by=one.report.reporter, reason=after.outcome.failure)
        if step is not fulfilled:
            moved_orders.append(step)
            tx.emit(moved(fulfilled, step))
    await tx.save_pickups(changed)
    await tx.save_orders(moved_orders)
