"""What drivers' systems and the ERP say of pickups takes effect: on the pickups, and on the orders that they fulfil."""

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from services.chassis.ids import write_id
from services.contracts.orders import PickupRecorded
from services.orders.domain import order, pickup
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, Report
from services.orders.usecases.announce import moved
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
    changed: list[PickupRecord] = []
    moved_orders: list[OrderRecord] = []
    for pickup_id, one in about.items():
        before = known.get(pickup_id, one.pickup)
        after = pickup.recorded(before, pickup.fold(reports[pickup_id]))
        if after is before:
            continue
        changed.append(after)
        tx.emit(recorded(after, one.agreement))
        fulfilled = orders.get(after.order_id) if after.order_id else None
        state = pickup.order_state(after.outcome)
        # A done order stays done, whatever is said of its pickup later.
        if fulfilled is not None and state is not None and order.may_move(fulfilled, state):
            step = order.move(fulfilled, state, at=tx.now, by=one.report.reporter, reason=after.outcome.failure)
            moved_orders.append(step)
            tx.emit(moved(fulfilled, step))
    await tx.save_pickups(changed)
    await tx.save_orders(moved_orders)


def recorded(one: PickupRecord, agreement: AgreementRecord) -> PickupRecorded:
    """A pickup as it is announced: without the reason of a failure, which is a free text."""
    return PickupRecorded(
        pickup_id=write_id("pickup", one.id),
        organisation_id=write_id("org", agreement.organisation_id),
        site_id=write_id("site", agreement.facts.site_id),
        agreement_id=write_id("agreement", agreement.id),
        order_id=write_id("order", one.order_id) if one.order_id else None,
        article_id=write_id("article", agreement.facts.article_id),
        fraction=agreement.facts.fraction,
        date=one.date,
        state=one.outcome.state,
        done_at=one.outcome.done_at,
        grams=one.outcome.grams,
        version=one.version,
    )
