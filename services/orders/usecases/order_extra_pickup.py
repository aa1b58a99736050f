"""A customer orders a pickup between the regular ones (O3, O14)."""

from services.access.caller import Caller
from services.chassis.ids import find_id, new_uuid, write_id
from services.contracts.orders import Ordered, OrderExtraPickup, OrderKind, OrderState
from services.contracts.values import Refusal, refuse
from services.orders.domain import offers, order, price
from services.orders.domain.agreement import AgreementRecord
from services.orders.mapping import responses
from services.orders.mapping.events import order_moved_event, order_placed_event
from services.orders.usecases.ports import OrdersStore


async def order_extra_pickup(tx: OrdersStore, caller: Caller, command: OrderExtraPickup) -> Ordered | Refusal:
    """Order a pickup on a day that is offered; asked again with the same key, the first answer."""
    agreement_id = find_id("agreement", command.agreement_id)
    agreement = await tx.agreement(agreement_id) if agreement_id else None
    if agreement is None:
        return refuse("NOT_FOUND", "agreementId")
    grant = await tx.effective_permissions(caller, agreement.organisation_id, agreement.facts.site_id)
    if grant is None:
        return refuse("NOT_FOUND", "agreementId")
    if not (caller.staff or grant.may_change):
        return refuse("FORBIDDEN")

    async def place() -> Ordered | Refusal:
        return await _place_order(tx, caller, command, agreement)

    answer = await tx.execute_once(
        organisation=write_id("org", agreement.organisation_id),
        caller=caller.subject_id,
        operation="orderExtraPickup",
        command=command,
        answer=Ordered,
        do=place,
    )
    # The first answer is kept as it was given; whether prices are shown is decided now.
    return responses.without_prices(answer) if isinstance(answer, Ordered) and not grant.billing else answer


async def _place_order(
    tx: OrdersStore, caller: Caller, command: OrderExtraPickup, found: AgreementRecord
) -> Ordered | Refusal:
    # Locked, so that of two orders for one day the second sees the first.
    agreement = (await tx.agreements_for_change([found.id]))[found.id]
    if agreement.site_is_placeholder:
        return refuse("NOT_READY_YET", "agreementId", retryable=True)
    schedule = await tx.schedule(agreement, command.date, command.date)
    problem = offers.refusal_code(schedule, command.date, tx.now, tx.clock.zone)
    if problem is not None:
        return refuse(problem, "date", date=command.date)
    facts = agreement.facts
    article = (await tx.articles([facts.article_id]))[facts.article_id]
    received = order.place(
        new_uuid(),
        kind=OrderKind.EXTRA_PICKUP,
        organisation_id=agreement.organisation_id,
        site_id=facts.site_id,
        agreement_id=agreement.id,
        article_id=facts.article_id,
        fraction=facts.fraction,
        date=command.date,
        price=price.price_of(article, command.date, facts.count),
        at=tx.now,
        by=caller.subject_id,
    )
    # Route and day are fixed with the order, so nothing is left to wait for.
    confirmed = order.transition(received, OrderState.CONFIRMED, at=tx.now, by=order.SYSTEM)
    scheduled = order.transition(confirmed, OrderState.SCHEDULED, at=tx.now, by=order.SYSTEM)
    await tx.save_orders([scheduled])
    tx.emit(order_placed_event(received))
    tx.emit(order_moved_event(received, confirmed))
    tx.emit(order_moved_event(confirmed, scheduled))
    shown = responses.article_response(facts.article_id, article, caller.language, tx.today, billing=True)
    return Ordered(order=responses.order_response(scheduled, shown, billing=True))
