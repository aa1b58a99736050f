"""Fields of events of orders: the things that they are about."""

from collections.abc import Mapping
from typing import Any

from strawberry.types.field import StrawberryField

from gateway.execution.planning.batch_resolver import SelectedFields
from gateway.schema.contract_types import extend_type
from gateway.schema.descriptions import describe_attributes_by
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import (
    load_agreements,
    load_articles,
    load_orders,
    load_organisations,
    load_pickups,
    load_sites,
)
from gateway.subscriptions.typed_events import TYPED_EVENTS
from services.contracts.identity.organisations import Organisation
from services.contracts.orders.agreements import Agreement
from services.contracts.orders.articles import Article
from services.contracts.orders.event_log import OrderEvent
from services.contracts.orders.orders import Order
from services.contracts.orders.pickups import Pickup
from services.contracts.sites import Site


@batch_field(needs=["organisation_id"])
async def organisation(events: list[OrderEvent], info: Info) -> list[Organisation | None]:
    """The organisation; null if the event concerns none, or if the caller may not see it."""
    return await load_organisations(info.context, [event.organisation_id for event in events])


@batch_field(needs=["site_id"])
async def site(events: list[OrderEvent], info: Info, fields: SelectedFields) -> list[Site | None]:
    """The site; null if the event is about none, or if the caller may not see it."""
    return await load_sites(info.context, [event.site_id for event in events], fields)


@batch_field(needs=["order_id"])
async def order(events: list[Any], info: Info) -> list[Order | None]:
    """The order as it is now; null if there is none, or if the caller may not see it."""
    return await load_orders(info.context, [event.order_id for event in events])


@batch_field(needs=["pickup_id"])
async def pickup(events: list[Any], info: Info) -> list[Pickup | None]:
    """The pickup as it is now; null if the caller may not see it."""
    return await load_pickups(info.context, [event.pickup_id for event in events])


@batch_field(needs=["agreement_id"])
async def agreement(events: list[Any], info: Info) -> list[Agreement | None]:
    """The agreement as it is now; null if the caller may not see it."""
    return await load_agreements(info.context, [event.agreement_id for event in events])


@batch_field(needs=["article_id"])
async def article(events: list[Any], info: Info) -> list[Article | None]:
    """The article as it is now."""
    return await load_articles(info.context, [event.article_id for event in events])


REFERENCES: Mapping[str, StrawberryField] = {
    "order_id": order,
    "pickup_id": pickup,
    "agreement_id": agreement,
    "article_id": article,
}
"""The fields that lead to things, by the events' fields with their ids."""

extend_type(OrderEvent, organisation, site)
for data, struct in TYPED_EVENTS.items():
    describe_attributes_by(struct, data)
    extend_type(struct, *(field for name, field in REFERENCES.items() if name in struct.__struct_fields__))
