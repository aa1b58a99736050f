"""Calendars and offers, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import functools
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence

import msgspec

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import find_id
from services.chassis.problems import MalformedInput
from services.chassis.runtime.clock import Clock
from services.contracts.identity.people import Language
from services.contracts.orders.agreements import Offer, Offers
from services.contracts.orders.articles import Article
from services.contracts.orders.pickups import Calendar, Pickup
from services.contracts.values import Id, Refusal, refuse
from services.orders.domain import calendar, offers, price
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.calendar import Schedule
from services.orders.domain.pickup import PickupRecord
from services.orders.domain.price import ArticlePrice
from services.orders.mapping import responses
from services.orders.store.agreements import PostgresAgreementRepository
from services.orders.store.articles import PostgresArticleRepository
from services.orders.store.schedules import PostgresScheduleRepository

MAX_DAYS = 400

_VISIBLE, _BILLING = visible("s.organisation_id", "s.id"), billing("s.organisation_id", "s.id")
_SITES = f"SELECT s.id, s.version, {_BILLING} AS billing FROM sites s WHERE s.id = ANY ($3) AND {_VISIBLE}"
_AGREEMENTS = f"""
    SELECT a.id, {_BILLING} AS billing FROM agreements a JOIN sites s ON s.id = a.site_id
    WHERE a.id = ANY ($3) AND {_VISIBLE}
"""


class _VisibleSites(msgspec.Struct, frozen=True):
    """The sites that the caller reaches, with the records that decide about their pickups."""

    schedules: dict[uuid.UUID, list[Schedule]]
    """By site."""
    placeholders: frozenset[uuid.UUID]
    """Sites whose container was stated, but not the site itself yet."""
    articles: dict[tuple[uuid.UUID, uuid.UUID], Article]
    """By agreement and article: a recorded pickup keeps the article that it was recorded under."""
    language: Language
    today: dt.date

    def show(self, record: PickupRecord, schedule: Schedule) -> Pickup:
        agreement = schedule.agreement
        article = self.articles[agreement.id, record.article_id or agreement.facts.article_id]
        return responses.pickup_response(record, schedule, article, self.language, self.today)

    def calendar(self, site_id: uuid.UUID, since: dt.date, until: dt.date) -> list[Pickup]:
        """Return the pickups of a site between two days, both inclusive, by date."""
        pickups = [
            self.show(pickup, schedule)
            for schedule in self.schedules[site_id]
            for pickup in calendar.pickups_between(schedule, since, until)
        ]
        return sorted(pickups, key=lambda pickup: (pickup.date, pickup.id))

    def next(self, site_id: uuid.UUID, day: dt.date) -> Pickup | None:
        """Return the first pickup of a site from ``day`` on that is not done yet."""
        if site_id in self.placeholders:
            return None
        pickups = [
            (pickup, schedule)
            for schedule in self.schedules.get(site_id, [])
            if (pickup := calendar.next_pickup(schedule, day)) is not None
        ]
        return self.show(*min(pickups, key=lambda pair: calendar.date_key(pair[0]))) if pickups else None


async def calendars(
    connection: DatabaseConnection, caller: Caller, clock: Clock, site_ids: Sequence[Id], since: dt.date, until: dt.date
) -> list[Calendar | Refusal]:
    """Return the calendar of each site between two days, both inclusive, with one set of queries for all sites."""
    if until < since:
        raise MalformedInput("until", reason="EARLIEST", earliest=since.isoformat())
    if (until - since).days > MAX_DAYS:
        return [refuse("TOO_LONG", "until", days=MAX_DAYS) for _ in site_ids]
    requested_ids = [find_id("site", text) for text in site_ids]
    sites = await _fetch_visible_sites(connection, caller, clock, requested_ids, since, until)
    answers: list[Calendar | Refusal] = []
    for text, site_id in zip(site_ids, requested_ids, strict=True):
        if site_id is None or site_id not in sites.schedules:
            answers.append(refuse("NOT_FOUND", "siteIds"))
        elif site_id in sites.placeholders:
            answers.append(refuse("NOT_READY_YET", "siteIds", retryable=True))
        else:
            answers.append(Calendar(site_id=text, pickups=sites.calendar(site_id, since, until)))
    return answers


async def next_pickups(
    connection: DatabaseConnection, caller: Caller, clock: Clock, site_ids: Sequence[Id]
) -> list[Pickup | None]:
    """Return the first pickup of each site from today on that is not done yet, with one set of queries."""
    requested_ids, day = [find_id("site", text) for text in site_ids], clock.today()
    sites = await _fetch_visible_sites(connection, caller, clock, requested_ids, day, dt.date.max)
    return [sites.next(site_id, day) if site_id else None for site_id in requested_ids]


async def _fetch_visible_sites(
    connection: DatabaseConnection,
    caller: Caller,
    clock: Clock,
    requested_ids: Sequence[uuid.UUID | None],
    since: dt.date,
    until: dt.date,
) -> _VisibleSites:
    day = clock.today()
    rows = await connection.fetch(_SITES, caller.subject_id, day, [site_id for site_id in requested_ids if site_id])
    billed = {row["id"]: row["billing"] for row in rows}
    agreements = await PostgresAgreementRepository(connection).find("a.site_id = ANY ($1)", list(billed))
    schedules = await PostgresScheduleRepository(connection).of_agreements(
        clock.zone.key, agreements.values(), since, until
    )
    article_ids = {schedule.agreement.id: schedule.article_ids for schedule in schedules.values()}
    prices = await PostgresArticleRepository(connection).by_id(set[uuid.UUID]().union(*article_ids.values()))
    by_site: dict[uuid.UUID, list[Schedule]] = {site_id: [] for site_id in billed}
    for schedule in schedules.values():
        by_site[schedule.agreement.facts.site_id].append(schedule)

    @functools.cache
    def article(article_id: uuid.UUID, *, billing: bool) -> Article:
        return responses.article_response(article_id, prices[article_id], caller.language, day, billing=billing)

    return _VisibleSites(
        schedules=by_site,
        placeholders=frozenset(row["id"] for row in rows if row["version"] == 0),
        articles={
            (agreement.id, article_id): article(article_id, billing=billed[agreement.facts.site_id])
            for agreement in agreements.values()
            for article_id in article_ids[agreement.id]
        },
        language=caller.language,
        today=day,
    )


async def extra_pickup_offers(
    connection: DatabaseConnection, caller: Caller, clock: Clock, agreement_ids: Sequence[Id]
) -> list[Offers | Refusal]:
    """Return the days on which an extra pickup can be ordered now, for each agreement."""
    requested_ids = [find_id("agreement", text) for text in agreement_ids]
    day = clock.today()
    agreement_uuids = [agreement_id for agreement_id in requested_ids if agreement_id]
    rows = await connection.fetch(_AGREEMENTS, caller.subject_id, day, agreement_uuids)
    billed = {row["id"]: row["billing"] for row in rows}
    agreements = await PostgresAgreementRepository(connection).find("a.id = ANY ($1)", list(billed))
    prices = await _fetch_prices(connection, agreements)
    schedules = await PostgresScheduleRepository(connection).of_agreements(
        clock.zone.key, agreements.values(), day, day + offers.OFFER_HORIZON
    )
    answers: list[Offers | Refusal] = []
    for text, agreement_id in zip(agreement_ids, requested_ids, strict=True):
        schedule = schedules.get(agreement_id) if agreement_id else None
        if schedule is None:
            answers.append(refuse("NOT_FOUND", "agreementIds"))
            continue
        if schedule.agreement.site_is_placeholder:
            answers.append(refuse("NOT_READY_YET", "agreementIds", retryable=True))
            continue
        shown_prices = prices[schedule.agreement.facts.article_id] if billed[schedule.agreement.id] else None
        answers.append(_to_offers(text, schedule, shown_prices, clock.now(), clock.zone))
    return answers


async def _fetch_prices(
    connection: DatabaseConnection, agreements: Mapping[uuid.UUID, AgreementRecord]
) -> dict[uuid.UUID, list[ArticlePrice]]:
    article_ids = {agreement.facts.article_id for agreement in agreements.values()}
    return await PostgresArticleRepository(connection).by_id(article_ids)


def _to_offers(
    agreement_id: Id,
    schedule: Schedule,
    prices: Sequence[ArticlePrice] | None,
    now: dt.datetime,
    zone: zoneinfo.ZoneInfo,
) -> Offers:
    days = offers.offered_days(schedule, now, zone)
    count = schedule.agreement.facts.count
    return Offers(
        agreement_id=agreement_id,
        offers=[
            Offer(
                date=day.date,
                cut_off=day.cut_off,
                tolerance_days=day.tolerance_days,
                price=price.price_of(prices, day.date, count) if prices else None,
            )
            for day in days
        ],
        citation=days[0].citation if days else "",
    )
