"""Sample events of orders, by number."""

import datetime as dt
import uuid

from services.chassis.ids import write_id
from services.contracts.orders.events import OrderMoved, OrderPlaced
from services.contracts.orders.orders import OrderKind, OrderState
from services.contracts.sites import Fraction
from tests.gateway.stubs.samples import ARTICLE, ORGANISATION, agreement_id, order_id, site_id


def placed(number: int, organisation: str = ORGANISATION, site: int = 1) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id(number),
        organisation_id=organisation,
        site_id=site_id(site),
        agreement_id=agreement_id(1),
        article_id=ARTICLE.id,
        fraction=Fraction.RESIDUAL,
        kind=OrderKind.EXTRA_PICKUP,
        date=dt.date(2026, 3, 10),
        state=OrderState.CONFIRMED,
        version=1,
    )


def moved(number: int, organisation: str = ORGANISATION, site: int = 1) -> OrderMoved:
    return OrderMoved(
        order_id=write_id("order", uuid.UUID(int=number)),
        organisation_id=organisation,
        site_id=site_id(site),
        date=dt.date(2026, 3, 10),
        before=OrderState.CONFIRMED,
        state=OrderState.SCHEDULED,
        version=2,
    )
