"""Fields of Site from other services."""

import datetime as dt
from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.cost.directives import ListSize
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, requested_page
from gateway.schema.loaders import load_organisations
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.organisations import Organisation
from services.contracts.orders.agreements import Agreement, AgreementFilter, AgreementOrder
from services.contracts.orders.pickups import Calendar, Pickup
from services.contracts.sites import Site
from services.contracts.values import Connection, Doc, Refusal


@batch_field(needs=["organisation_id"])
async def organisation(sites: list[Site], info: Info) -> list[Organisation | None]:
    """The customer organisation of the site; null if the caller may not see it."""
    return await load_organisations(info.context, [site.organisation_id for site in sites])


@batch_field(needs=["id"])
def agreements(
    sites: list[Site],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[
        AgreementFilter | None, Doc("The conditions that the agreements meet; None: no condition.")
    ] = None,
    order: Annotated[AgreementOrder | None, Doc("The order; None: by agreement number.")] = None,
    updated_after: str | None = None,
) -> Awaitable[list[Connection[Agreement]]]:
    """The agreements of the site (O1)."""
    page = requested_page(info, first, after, last, before, updated_after)
    return raw_client(info.context.clients.orders).agreements_of_sites([site.id for site in sites], page, filter, order)


@batch_field("CalendarResult", needs=["id"], weight=10, size=ListSize(assumed_size=100, sized_fields=["pickups"]))
def calendar(
    sites: list[Site],
    info: Info,
    since: Annotated[dt.date, Doc("The first day.")],
    until: Annotated[dt.date, Doc("The last day, inclusive, at most 400 days later.")],
) -> Awaitable[list[Calendar | Refusal]]:
    """The pickups between two days (O2)."""
    return raw_client(info.context.clients.orders).calendars([site.id for site in sites], since, until)


@batch_field(needs=["id"], weight=3)
def next_pickup(sites: list[Site], info: Info) -> Awaitable[list[Pickup | None]]:
    """The first pickup from today on that has no outcome yet (O1); null if none is planned."""
    return raw_client(info.context.clients.orders).next_pickups([site.id for site in sites])


@batch_field(needs=["id"])
def open_order_count(sites: list[Site], info: Info) -> Awaitable[list[int]]:
    """The number of open orders of the site (L1)."""
    return raw_client(info.context.clients.orders).open_order_counts([site.id for site in sites])


extend_type(Site, organisation, agreements, calendar, next_pickup, open_order_count, node=True)
