"""Calendars and offers as they are read, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.clock import Clock
from services.chassis.ids import find_id
from services.chassis.postgres import Connection
from services.contracts.orders import Article as ShownArticle
from services.contracts.orders import Calendar, Offer, Offers, Pickup
from services.contracts.values import Id, Refusal, refuse
from services.orders.domain import calendar, offers, price
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.calendar import Schedule
from services.orders.domain.price import Article
from services.orders.store import agreements, trade
from services.orders.store.schedules import schedules
from services.orders.usecases import show

MAX_DAYS = 400

_VISIBLE, _BILLING = visible("s.organisation_id", "s.id"), billing("s.organisation_id", "s.id")
_SITES = f"SELECT s.id, s.version, {_BILLING} AS billing FROM sites s WHERE s.id = ANY ($3) AND {_VISIBLE}"
_AGREEMENTS = f"""
    SELECT a.id, {_BILLING} AS billing FROM agreements a JOIN sites s ON s.id = a.site_id
    WHERE a.id = ANY ($3) AND {_VISIBLE}
"""


async def calendars(
    connection: Connection, caller: Caller, clock: Clock, site_ids: Sequence[Id], since: dt.date, until: dt.date
) -> list[Calendar | Refusal]:
    """The calendar of each site between two days, both inclusive, with one set of queries for all of them."""
    if until < since:
        return [refuse("MALFORMED", "until", expected="not before since") for _ in site_ids]
    if (until - since).days > MAX_DAYS:
        return [refuse("TOO_LONG", "until", limit=MAX_DAYS) for _ in site_ids]
    wanted = [find_id("site", text) for text in site_ids]
    day = clock.today()
    rows = await connection.fetch(_SITES, caller.subject_id, day, [one for one in wanted if one])
    found = await agreements.find(connection, "a.site_id = ANY ($1)", [row["id"] for row in rows])
    articles = await trade.articles(connection, {one.facts.article_id for one in found.values()})
    planned = await schedules(connection, clock.zone.key, found.values(), since, until)
    pickups: dict[uuid.UUID, list[Pickup]] = {row["id"]: [] for row in rows}
    priced = {row["id"]: row["billing"] for row in rows}
    for record in found.values():
        site_id, schedule = record.facts.site_id, planned[record.id]
        article = _article(record, articles, caller, day, priced[site_id])
        pickups[site_id] += [
            show.pickup(one, schedule, article, caller.language) for one in calendar.pickups(schedule, since, until)
        ]
    # Of a placeholder a container is known, and that the site itself is on its way.
    coming = {row["id"] for row in rows if row["version"] == 0}
    answers: list[Calendar | Refusal] = []
    for text, wanted_id in zip(site_ids, wanted, strict=True):
        if wanted_id is None or wanted_id not in pickups:
            answers.append(refuse("NOT_FOUND", "siteIds"))
        elif wanted_id in coming:
            answers.append(refuse("NOT_READY_YET", "siteIds", retryable=True))
        else:
            by_date = sorted(pickups[wanted_id], key=lambda one: (one.date, one.id))
            answers.append(Calendar(site_id=text, pickups=by_date))
    return answers


async def extra_pickup_offers(
    connection: Connection, caller: Caller, clock: Clock, agreement_ids: Sequence[Id]
) -> list[Offers | Refusal]:
    """The days on which an extra pickup can be ordered now, for each agreement."""
    wanted = [find_id("agreement", text) for text in agreement_ids]
    day = clock.today()
    rows = await connection.fetch(_AGREEMENTS, caller.subject_id, day, [one for one in wanted if one])
    priced = {row["id"]: row["billing"] for row in rows}
    found = await agreements.find(connection, "a.id = ANY ($1)", list(priced))
    articles = await trade.articles(connection, {one.facts.article_id for one in found.values()})
    planned = await schedules(connection, clock.zone.key, found.values(), day, day + offers.AHEAD)
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
        answers.append(_offers(text, schedule, prices, clock.now(), clock.zone))
    return answers


def _offers(
    agreement_id: Id, schedule: Schedule, prices: Sequence[Article] | None, now: dt.datetime, zone: zoneinfo.ZoneInfo
) -> Offers:
    days = offers.offers(schedule, now, zone)
    count = schedule.agreement.facts.count
    return Offers(
        agreement_id=agreement_id,
        offers=[
            Offer(
                date=day.date,
                cut_off=day.cut_off,
                tolerance_days=day.tolerance_days,
                price=price.price(prices, day.date, count) if prices else None,
            )
            for day in days
        ],
        citation=days[0].citation if days else "",
    )


def _article(
    record: AgreementRecord, articles: dict[uuid.UUID, list[Article]], caller: Caller, day: dt.date, billing: bool
) -> ShownArticle:
    article_id = record.facts.article_id
    return show.article(article_id, articles[article_id], caller.language, day, billing=billing)
