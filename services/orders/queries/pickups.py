"""Look-ups of pickups, with the caller's access joined in SQL ($1 caller, $2 day)."""

import functools
import uuid
from collections.abc import Collection, Mapping, Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import find_id, write_id
from services.chassis.runtime.clock import Clock
from services.contracts.orders.articles import Article
from services.contracts.orders.pickups import Pickup
from services.contracts.orders.summaries import PickupSummary
from services.contracts.values import Id
from services.orders.domain import calendar
from services.orders.domain.pickup import PickupRecord
from services.orders.domain.pickup_id import ordered_pickup_id, pickup_key, read_pickup_id
from services.orders.mapping import responses
from services.orders.store.agreements import PostgresAgreementRepository
from services.orders.store.articles import PostgresArticleRepository
from services.orders.store.holidays import PostgresHolidayRepository
from services.orders.store.orders import PostgresOrderRepository
from services.orders.store.pickups import PostgresPickupRepository
from services.orders.store.schedules import PostgresScheduleRepository

# A pickup is seen by whoever sees its site's calendar. A site of version 0 was not stated yet.
_AGREEMENTS = f"""
    SELECT a.id, {billing("s.organisation_id", "s.id")} AS billing FROM agreements a JOIN sites s ON s.id = a.site_id
    WHERE a.id = ANY ($3) AND s.version > 0 AND {visible("s.organisation_id", "s.id")}
"""
_THINGS = frozenset({"agreement", "order", "pickup"})
_SITES = """
    SELECT id, site_id FROM agreements WHERE id = ANY ($1) UNION ALL SELECT id, site_id FROM orders WHERE id = ANY ($1)
"""


async def pickups_by_id(
    connection: DatabaseConnection, caller: Caller, clock: Clock, ids: Sequence[Id]
) -> list[Pickup | None]:
    """Return the pickups with these ids, in their order; None for one that is not, or that the caller does not see."""
    requested_ids = [find_id("pickup", text) for text in ids]
    pickups = await _find_pickups(connection, clock.zone.key, {pickup_id for pickup_id in requested_ids if pickup_id})
    responses_by_id = await _to_responses(connection, caller, clock, pickups.values())
    return [responses_by_id.get(pickup_id) if pickup_id else None for pickup_id in requested_ids]


async def pickups_of_orders(
    connection: DatabaseConnection, caller: Caller, clock: Clock, order_ids: Sequence[Id]
) -> list[list[Pickup]]:
    """Return the pickups of each order: today one, or none if the order was withdrawn before it was done."""
    requested_ids = [find_id("order", text) for text in order_ids]
    orders = {order_id: ordered_pickup_id(order_id) for order_id in requested_ids if order_id}
    planned = await PostgresOrderRepository(connection).pickups_of(orders)
    recorded = await PostgresPickupRepository(connection).by_id(orders.values())
    pickups = {pickup.id: pickup for pickup in planned} | recorded
    responses_by_id = await _to_responses(connection, caller, clock, pickups.values())
    return [
        [responses_by_id[orders[order_id]]] if order_id and orders[order_id] in responses_by_id else []
        for order_id in requested_ids
    ]


async def pickup_summaries(
    connection: DatabaseConnection, clock: Clock, ids: Sequence[Id]
) -> list[PickupSummary | None]:
    """Return the pickups with these ids, in their order, whoever reaches them; None for one that is not."""
    requested_ids = [find_id("pickup", text) for text in ids]
    pickups = await _find_pickups(connection, clock.zone.key, {pickup_id for pickup_id in requested_ids if pickup_id})
    agreement_ids = list({pickup.agreement_id for pickup in pickups.values()})
    agreements = await PostgresAgreementRepository(connection).find("a.id = ANY ($1)", agreement_ids)
    summaries = {
        pickup.id: responses.pickup_summary(pickup, agreements[pickup.agreement_id])
        for pickup in pickups.values()
        if pickup.agreement_id in agreements
    }
    return [summaries.get(pickup_id) if pickup_id else None for pickup_id in requested_ids]


async def sites_of_things(connection: DatabaseConnection, clock: Clock, ids: Sequence[Id]) -> list[Id | None]:
    """Return the site of each agreement, order or pickup, in their order; None for one that is not."""
    things = {text: find_id(prefix, text) for text in ids for prefix in [text.partition("_")[0]] if prefix in _THINGS}
    pickup_ids = {thing for text, thing in things.items() if thing and text.startswith("pickup_")}
    pickups = await _find_pickups(connection, clock.zone.key, pickup_ids)
    agreements = {pickup.id: pickup.agreement_id for pickup in pickups.values()}
    rows = await connection.fetch(_SITES, [*(one for one in things.values() if one), *agreements.values()])
    sites: dict[uuid.UUID, uuid.UUID] = {row["id"]: row["site_id"] for row in rows}
    found = {text: sites.get(agreements.get(thing, thing)) for text, thing in things.items() if thing}
    return [write_id("site", site) if (site := found.get(text)) else None for text in ids]


async def _find_pickups(
    connection: DatabaseConnection, zone: str, pickup_ids: set[uuid.UUID]
) -> Mapping[uuid.UUID, PickupRecord]:
    """Return the pickups with these ids, by id: recorded, else as they are planned."""
    parts = {pickup_id: read for pickup_id in pickup_ids if (read := read_pickup_id(pickup_id))}
    days = [(read.key, read.planned_on) for read in parts.values() if read.planned_on]
    agreements = await PostgresAgreementRepository(connection).find("a.pickup_key = ANY ($1)", [key for key, _ in days])
    by_key = {pickup_key(agreement_id): agreement for agreement_id, agreement in agreements.items()}
    holidays = await PostgresHolidayRepository(connection).of_zone(zone)
    regular = [
        calendar.find_regular_pickup(by_key[key], holidays, planned_on) for key, planned_on in days if key in by_key
    ]
    ordered = await PostgresOrderRepository(connection).pickups_by_key(
        [read.key for read in parts.values() if read.number]
    )
    planned = {pickup.id: pickup for pickup in (*regular, *ordered) if pickup and pickup.id in parts}
    return planned | await PostgresPickupRepository(connection).by_id(parts)


async def _to_responses(
    connection: DatabaseConnection, caller: Caller, clock: Clock, pickups: Collection[PickupRecord]
) -> dict[uuid.UUID, Pickup]:
    """Return those of the pickups that the caller sees, by id."""
    day, agreement_ids = clock.today(), {pickup.agreement_id for pickup in pickups}
    rows = await connection.fetch(_AGREEMENTS, caller.subject_id, day, list(agreement_ids))
    billed = {row["id"]: row["billing"] for row in rows}
    agreements = await PostgresAgreementRepository(connection).find("a.id = ANY ($1)", list(billed))
    schedules = await PostgresScheduleRepository(connection).without_pickups(clock.zone.key, agreements.values())
    article_ids = {
        pickup.id: pickup.article_id or agreements[pickup.agreement_id].facts.article_id
        for pickup in pickups
        if pickup.agreement_id in schedules
    }
    prices = await PostgresArticleRepository(connection).by_id(set(article_ids.values()))

    @functools.cache
    def article(article_id: uuid.UUID, *, billing: bool) -> Article:
        return responses.article_response(article_id, prices[article_id], caller.language, day, billing=billing)

    def shown(pickup: PickupRecord) -> Pickup:
        under = article(article_ids[pickup.id], billing=billed[pickup.agreement_id])
        return responses.pickup_response(pickup, schedules[pickup.agreement_id], under, caller.language, day)

    return {pickup.id: shown(pickup) for pickup in pickups if pickup.id in article_ids}
