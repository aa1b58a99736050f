"""The effect of reports on pickups, and on the orders that they fulfil."""

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from services.contracts.orders.events import PickupRecorded
from services.orders.domain import order, pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.mapping.events import order_moved_event, pickup_event
from services.orders.usecases.ports.transaction import OrdersStore


class AcceptedReport(msgspec.Struct, frozen=True):
    """A report, with its pickup: as it is recorded, or as it is planned."""

    report: Report
    pickup: PickupRecord
    agreement: AgreementRecord


async def record_pickups(
    tx: OrdersStore, accepted: Sequence[AcceptedReport], orders: Mapping[uuid.UUID, OrderRecord]
) -> None:
    """Save the reports, and bring their pickups and orders to the outcome of all reports.

    The agreements are locked, and ``orders`` are theirs. A pickup whose outcome does not change is not announced.
    """
    await tx.reports.save([one.report for one in accepted])
    last_by_pickup = {one.pickup.id: one for one in accepted}
    reports = await tx.reports.of_pickups(last_by_pickup)
    known = await tx.pickups.lock_by_id(last_by_pickup)
    changed: list[RecordedPickup] = []
    moved_orders: list[OrderRecord] = []
    for pickup_id, last in last_by_pickup.items():
        before = known.get(pickup_id) or pickup.recorded_under(last.pickup, last.agreement)
        after = pickup.apply_outcome(before.pickup, pickup.fold_reports(reports[pickup_id]))
        if after is before.pickup:
            continue
        changed.append(msgspec.structs.replace(before, pickup=after))
        tx.emit(pickup_event(changed[-1], PickupRecorded))
        fulfilled = orders.get(after.order_id) if after.order_id else None
        state = pickup.order_state(after.outcome)
        if fulfilled is None or state is None:
            continue
        moved = order.follow_pickup(fulfilled, state, at=tx.now, by=last.report.reporter, reason=after.outcome.failure)
        if moved is not fulfilled:
            moved_orders.append(moved)
            tx.emit(order_moved_event(fulfilled, moved))
    await tx.pickups.save(changed)
    await tx.orders.save(moved_orders)
