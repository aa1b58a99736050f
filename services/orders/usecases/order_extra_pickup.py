"""The order of a pickup between the regular ones (O3, O14)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.orders.orders import SYSTEM, Ordered, OrderExtraPickup, OrderKind, OrderState
from services.contracts.values import Refusal, refuse
from services.orders.domain import offers, order, price
from services.orders.domain.agreement import AgreementRecord
from services.orders.mapping import responses
from services.orders.mapping.events import order_moved_event, order_placed_event
from services.orders.usecases.ports.transaction import OrdersStore


async def order_extra_pickup(
    tx: OrdersStore, caller: Caller, command: OrderExtraPickup, read_again: ReadAgain[Ordered]
) -> Ordered | Refusal:
    """Order a pickup on an offered day; read the order again if the command's key was used before."""
    agreement = await tx.agreements.by_id(read_id("agreement", command.agreement_id))
    assert agreement is not None, "the caller was authorised for it"

    async def place() -> Ordered | Refusal:
        return await _place_order(tx, caller, command, agreement)

    return await tx.execute_once(
        organisation=write_id("org", agreement.organisation_id),
        caller=caller.subject_id,
        operation="orderExtraPickup",
        command=command,
        do=place,
        ids=lambda ordered: [ordered.order.id],
        read_again={Ordered: read_again},
    )


async def _place_order(
    tx: OrdersStore, caller: Caller, command: OrderExtraPickup, unlocked: AgreementRecord
) -> Ordered | Refusal:
    # The lock lets the second of two orders for one day see the first.
    agreement = (await tx.agreements.lock([unlocked.id]))[unlocked.id]
    if agreement.site_is_placeholder:
        return refuse("NOT_READY_YET", "agreementId", retryable=True)
    day = command.date
    schedule = (await tx.schedules.of_agreements(tx.clock.zone.key, [agreement], day, day))[agreement.id]
    problem = offers.refusal_code(schedule, day, tx.now, tx.clock.zone)
    if problem is not None:
        return refuse(problem, "date", date=day)
    facts = agreement.facts
    prices = (await tx.articles.by_id([facts.article_id]))[facts.article_id]
    received = order.place(
        new_uuid(),
        order.order_number(tx.today.year, await tx.orders.next_number()),
        kind=OrderKind.EXTRA_PICKUP,
        organisation_id=agreement.organisation_id,
        site_id=facts.site_id,
        agreement_id=agreement.id,
        article_id=facts.article_id,
        fraction=facts.fraction,
        date=day,
        price=price.price_of(prices, day, facts.count),
        at=tx.now,
        by=caller.subject_id,
    )
    # The order fixes route and day, so no later step has to schedule it.
    confirmed = order.transition(received, OrderState.CONFIRMED, at=tx.now, by=SYSTEM)
    scheduled = order.transition(confirmed, OrderState.SCHEDULED, at=tx.now, by=SYSTEM)
    await tx.orders.save([scheduled])
    tx.emit(order_placed_event(received))
    tx.emit(order_moved_event(received, confirmed))
    tx.emit(order_moved_event(confirmed, scheduled))
    billing = caller.permissions.billing
    article = responses.article_response(facts.article_id, prices, caller.language, tx.today, billing=billing)
    return Ordered(order=responses.order_response(scheduled, article, billing=billing))
