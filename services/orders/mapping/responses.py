"""Records as responses: in the caller's language, with prices if the caller has the billing permission."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.chassis.ids import write_id, write_optional_id
from services.contracts.identity.people import Language
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.articles import Article
from services.contracts.orders.orders import Order
from services.contracts.orders.pickups import Holiday, Pickup
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.orders.domain import price
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.calendar import Schedule, state_on
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord
from services.orders.domain.price import ArticlePrice


def article_response(
    article_id: uuid.UUID, rows: Sequence[ArticlePrice], language: Language, day: dt.date, *, billing: bool
) -> Article:
    """Return an article with its description and price of ``day``."""
    row = price.describing_price(rows, day)
    return Article(
        id=write_id("article", article_id),
        article_number=row.article_number,
        name=row.name(language.value),
        fraction=row.fraction,
        waste_code=row.waste_code,
        unit=row.unit,
        price=price.price_of(rows, day) if billing else None,
    )


def agreement_response(
    record: AgreementRecord, container_number: str, article: Article, next_pickup: dt.date | None
) -> Agreement:
    """Return an agreement."""
    facts = record.facts
    return Agreement(
        id=write_id("agreement", record.id),
        agreement_number=facts.agreement_number,
        organisation_id=write_id("org", record.organisation_id),
        site_id=write_id("site", facts.site_id),
        container_id=write_id("container", facts.container_id),
        container_number=container_number,
        article=article,
        fraction=facts.fraction,
        litres=facts.litres,
        count=facts.count,
        interval_weeks=facts.interval_weeks,
        ordered_on=facts.ordered_on,
        ended_on=facts.ended_on,
        next_pickup=next_pickup,
        version=record.version,
    )


def pickup_response(
    record: PickupRecord, schedule: Schedule, article: Article, language: Language, today: dt.date
) -> Pickup:
    """Return a pickup of a calendar."""
    was_moved = record.date != record.planned_on
    holiday = schedule.holidays.on(record.planned_on) if was_moved else None
    return Pickup(
        id=write_id("pickup", record.id),
        site_id=write_id("site", schedule.agreement.facts.site_id),
        agreement_id=write_id("agreement", record.agreement_id),
        order_id=write_optional_id("order", record.order_id),
        article=article,
        fraction=record.fraction or schedule.agreement.facts.fraction,
        date=record.date,
        tolerance_days=schedule.tolerance(record.date),
        original_date=record.planned_on if was_moved else None,
        moved_by=Holiday(date=holiday.date, name=holiday.name(language.value)) if holiday else None,
        state=state_on(record, schedule.holidays, today),
        done_at=record.outcome.done_at,
        grams=record.outcome.grams,
        failure=record.outcome.failure,
    )


def order_response(record: OrderRecord, article: Article, *, billing: bool) -> Order:
    """Return an order with its timeline."""
    return Order(
        id=write_id("order", record.id),
        number=record.number,
        kind=record.kind,
        state=record.state,
        organisation_id=write_id("org", record.organisation_id),
        site_id=write_id("site", record.site_id),
        agreement_id=write_id("agreement", record.agreement_id),
        article=article,
        fraction=record.fraction,
        date=record.date,
        price=record.price if billing else None,
        placed_at=record.placed_at,
        timeline=list(record.timeline),
        version=record.version,
    )


def order_summary(record: OrderRecord) -> OrderSummary:
    """Return what messages to customers tell of an order."""
    return OrderSummary(
        id=write_id("order", record.id),
        number=record.number,
        state=record.state,
        fraction=record.fraction,
        date=record.date,
    )


def pickup_summary(record: PickupRecord, agreement: AgreementRecord) -> PickupSummary:
    """Return what messages to customers tell of a pickup."""
    return PickupSummary(
        id=write_id("pickup", record.id),
        state=record.outcome.state,
        fraction=record.fraction or agreement.facts.fraction,
        date=record.date,
        planned_on=record.planned_on,
        failure=record.outcome.failure,
    )
