"""Calendars and offers as they are read, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import functools
import uuid
import zoneinfo
from collections.abc import Sequence

import msgspec

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import find_id
from services.chassis.runtime.clock import Clock
from services.contracts.identity import Language
from services.contracts.orders import Article as ShownArticle
from services.contracts.orders import Calendar, Offer, Offers, Pickup
from services.contracts.values import Id, Refusal, refuse
from services.orders.domain import calendar, offers, price
from services.orders.domain.calendar import Schedule
from services.orders.domain.pickup import PickupRecord
from services.orders.domain.price import ArticlePrice
from services.orders.mapping import responses
from services.orders.store import agreements, reference_data
from services.orders.store.schedules import fetch_schedules

MAX_DAYS = 400

_VISIBLE, _BILLING = visible("s.organisation_id", "s.id"), billing("s.organisation_id", "s.id")
_SITES = f"SELECT s.id, s.version, {_BILLING} AS billing FROM sites s WHERE s.id = ANY ($3) AND {_VISIBLE}"
_AGREEMENTS = f"""
    SELECT a.id, {_BILLING} AS billing FROM agreements a JOIN sites s ON s.id = a.site_id
    WHERE a.id = ANY ($3) AND {_VISIBLE}
"""


class _VisibleSites(msgspec.Struct, frozen=True):
    """Sites that the caller sees, by id, with all that decides about their pickups.

    ``coming`` are placeholders: of those a container is known, and that the site itself is on its way. ``articles`` are
    by agreement.
    """

    schedules: dict[uuid.UUID, list[Schedule]]
    coming: frozenset[uuid.UUID]
    articles: dict[uuid.UUID, ShownArticle]
    language: Language

    def show(self, record: PickupRecord, schedule: Schedule) -> Pickup:
        return responses.pickup_response(record, schedule, self.articles[schedule.agreement.id], self.language)

    def calendar(self, site_id: uuid.UUID, since: dt.date, until: dt.date) -> list[Pickup]:
        """The pickups of a site between two days, both inclusive, by date."""
        shown = [
            self.show(one, schedule)
            for schedule in self.schedules[site_id]
            for one in calendar.pickups_between(schedule, since, until)
        ]
        return sorted(shown, key=lambda one: (one.date, one.id))

    def next(self, site_id: uuid.UUID, day: dt.date) -> Pickup | None:
        """The first pickup of a site from ``day`` on that is not done yet."""
        if site_id in self.coming:
            return None
        found = [(calendar.next_pickup(one, day), one) for one in self.schedules.get(site_id, [])]
        coming = [(record, schedule) for record, schedule in found if record is not None]
        if not coming:
            return None
        return self.show(*min(coming, key=lambda one: calendar.date_key(one[0])))


async def calendars(
    connection: DatabaseConnection, caller: Caller, clock: Clock, site_ids: Sequence[Id], since: dt.date, until: dt.date
) -> list[Calendar | Refusal]:
    """The calendar of each site between two days, both inclusive, with one set of queries for all of them."""
    if until < since:
        return [refuse("MALFORMED", "until", reason="EARLIEST", earliest=since) for _ in site_ids]
    if (until - since).days > MAX_DAYS:
        return [refuse("TOO_LONG", "until", days=MAX_DAYS) for _ in site_ids]
    wanted = [find_id("site", text) for text in site_ids]
    planned = await _fetch_visible_sites(connection, caller, clock, wanted, since, until)
    answers: list[Calendar | Refusal] = []
    for text, site_id in zip(site_ids, wanted, strict=True):
        if site_id is None or site_id not in planned.schedules:
            answers.append(refuse("NOT_FOUND", "siteIds"))
        elif site_id in planned.coming:
            answers.append(refuse("NOT_READY_YET", "siteIds", retryable=True))
        else:
            answers.append(Calendar(site_id=text, pickups=planned.calendar(site_id, since, until)))
    return answers


async def next_pickups(
    connection: DatabaseConnection, caller: Caller, clock: Clock, site_ids: Sequence[Id]
) -> list[Pickup | None]:
    """The first pickup of each site from today on that is not done yet, with one set of queries for all of them."""
    wanted, day = [find_id("site", text) for text in site_ids], clock.today()
    planned = await _fetch_visible_sites(connection, caller, clock, wanted, day, dt.date.max)
    return [planned.next(site_id, day) if site_id else None for site_id in wanted]


async def _fetch_visible_sites(
    connection: DatabaseConnection,
    caller: Caller,
    clock: Clock,
    wanted: Sequence[uuid.UUID | None],
    since: dt.date,
    until: dt.date,
) -> _VisibleSites:
    day = clock.today()
    rows = await connection.fetch(_SITES, caller.subject_id, day, [one for one in wanted if one])
    priced = {row["id"]: row["billing"] for row in rows}
    found = await agreements.find_agreements(connection, "a.site_id = ANY ($1)", list(priced))
    articles = await reference_data.articles(connection, {one.facts.article_id for one in found.values()})
    by_agreement = await fetch_schedules(connection, clock.zone.key, found.values(), since, until)
    by_site: dict[uuid.UUID, list[Schedule]] = {site_id: [] for site_id in priced}
    for schedule in by_agreement.values():
        by_site[schedule.agreement.facts.site_id].append(schedule)

    @functools.cache
    def shown(article_id: uuid.UUID, *, billing: bool) -> ShownArticle:
        return responses.article_response(article_id, articles[article_id], caller.language, day, billing=billing)

    return _VisibleSites(
        schedules=by_site,
        coming=frozenset(row["id"] for row in rows if row["version"] == 0),
        articles={one.id: shown(one.facts.article_id, billing=priced[one.facts.site_id]) for one in found.values()},
        language=caller.language,
    )


async def extra_pickup_offers(
    connection: DatabaseConnection, caller: Caller, clock: Clock, agreement_ids: Sequence[Id]
) -> list[Offers | Refusal]:
    """The days on which an extra pickup can be ordered now, for each agreement."""
    wanted = [find_id("agreement", text) for text in agreement_ids]
    day = clock.today()
    rows = await connection.fetch(_AGREEMENTS, caller.subject_id, day, [one for one in wanted if one])
    priced = {row["id"]: row["billing"] for row in rows}
    found = await agreements.find_agreements(connection, "a.id = ANY ($1)", list(priced))
    articles = await reference_data.articles(connection, {one.facts.article_id for one in found.values()})
    planned = await fetch_schedules(connection, clock.zone.key, found.values(), day, day + offers.OFFER_HORIZON)
    answers: list[Offers | Refusal] = []
    for text, agreement_id in zip(agreement_ids, wanted, strict=True):
        schedule = planned.get(agreement_id) if agreement_id else None
        if schedule is None:
            answers.append(refuse("NOT_FOUND", "agreementIds"))
            continue
        if schedule.agreement.site_is_placeholder:
            answers.append(refuse("NOT_READY_YET", "agreementIds", retryable=True))
            continue
        prices = articles[schedule.agreement.facts.article_id] if priced[schedule.agreement.id] else None
        answers.append(_to_offers(text, schedule, prices, clock.now(), clock.zone))
    return answers


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
