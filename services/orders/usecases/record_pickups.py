"""What drivers' systems and the ERP say of pickups takes effect: on the pickups, and on the orders that they fulfil."""

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from services.contracts.orders import PickupRecorded
from services.orders.domain import order, pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.mapping.events import order_moved_event, pickup_event
from services.orders.usecases.ports import OrdersStore


class AcceptedReport(msgspec.Struct, frozen=True):
    """A report, and the pickup that it is about as it would be had nothing been reported."""

    report: Report
    pickup: PickupRecord
    agreement: AgreementRecord


async def record_pickups(
    tx: OrdersStore, said: Sequence[AcceptedReport], orders: Mapping[uuid.UUID, OrderRecord]
) -> None:
    """Keep the reports and bring their pickups and orders to what all reports come to.

    The agreements are locked, and ``orders`` are theirs. A pickup whose outcome is what it was is not announced.
    """
    await tx.save_reports([one.report for one in said])
    about = {one.pickup.id: one for one in said}
    reports = await tx.reports_of_pickups(about)
    known = await tx.pickups(about)
    changed: list[RecordedPickup] = []
    moved_orders: list[OrderRecord] = []
    for pickup_id, one in about.items():
        before = known.get(pickup_id, one.pickup)
        after = pickup.apply_outcome(before, pickup.fold_reports(reports[pickup_id]))
        if after is before:
            continue
        changed.append(pickup.recorded_under(after, one.agreement))
        tx.emit(pickup_event(changed[-1], PickupRecorded))
        fulfilled = orders.get(after.order_id) if after.order_id else None
        state = pickup.order_state(after.outcome)
        if fulfilled is None or state is None:
            continue
        step = order.follow_pickup(fulfilled, state, at=tx.now, by=one.report.reporter, reason=after.outcome.failure)
        if step is not fulfilled:
            moved_orders.append(step)
            tx.emit(order_moved_event(fulfilled, step))
    await tx.save_pickups(changed)
    await tx.save_orders(moved_orders)
