"""What the trade follows: articles with prices, routes, holidays, rules."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import new_uuid
from services.orders.domain.holidays import Country, HolidayRecord, Holidays, country_of
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import CUT_OFF, TOLERANCE, Rule, Rules
from services.orders.store.rows import from_row, to_row

_ARTICLE_ROWS = """
    SELECT a.id, p.article_number, p.name_fi, p.name_sv, p.name_nb, p.name_en, p.fraction, p.waste_code, p.unit,
           p.net_minor, p.vat_rate, p.currency, p.valid_from, p.valid_until
    FROM articles a JOIN article_prices p USING (article_number)
"""
_ARTICLE_IDS = "SELECT article_number, id FROM articles WHERE article_number = ANY ($1)"
_NEW_ARTICLE = "INSERT INTO articles (id, article_number) VALUES ($1, $2) ON CONFLICT (article_number) DO NOTHING"
_SAVE_ARTICLE = """
    INSERT INTO article_prices (article_number, name_fi, name_sv, name_nb, name_en, fraction, waste_code, unit,
                                net_minor, vat_rate, currency, valid_from, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (article_number, valid_from) DO UPDATE SET
        name_fi = excluded.name_fi, name_sv = excluded.name_sv, name_nb = excluded.name_nb,
        name_en = excluded.name_en, fraction = excluded.fraction, waste_code = excluded.waste_code,
        unit = excluded.unit, net_minor = excluded.net_minor, vat_rate = excluded.vat_rate,
        currency = excluded.currency, valid_until = excluded.valid_until
"""
_ROUTES = """
    SELECT route_number, area, fraction, weekdays, week_interval, first_week, valid_from, valid_until
    FROM routes WHERE route_number = ANY ($1)
"""
_SAVE_ROUTE = """
    INSERT INTO routes (route_number, area, fraction, weekdays, week_interval, first_week, valid_from, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (route_number) DO UPDATE SET
        area = excluded.area, fraction = excluded.fraction, weekdays = excluded.weekdays,
        week_interval = excluded.week_interval, first_week = excluded.first_week, valid_from = excluded.valid_from,
        valid_until = excluded.valid_until
"""
_HOLIDAY_ROWS = "SELECT country, date, name_fi, name_sv, name_nb, name_en, moves_to FROM holidays"
_SAVE_HOLIDAY = """
    INSERT INTO holidays (country, date, name_fi, name_sv, name_nb, name_en, moves_to)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (country, date) DO UPDATE SET
        name_fi = excluded.name_fi, name_sv = excluded.name_sv, name_nb = excluded.name_nb,
        name_en = excluded.name_en, moves_to = excluded.moves_to
"""
_RULE_ROWS = """
    SELECT rule_number, municipality, fraction, kind, value, citation, valid_from, valid_until FROM rules
"""
_SAVE_RULE = """
    INSERT INTO rules (rule_number, municipality, fraction, kind, value, citation, valid_from, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (rule_number) DO UPDATE SET
        municipality = excluded.municipality, fraction = excluded.fraction, kind = excluded.kind,
        value = excluded.value, citation = excluded.citation, valid_from = excluded.valid_from,
        valid_until = excluded.valid_until
"""


async def articles(connection: DatabaseConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ArticlePrice]]:
    """Every row of these articles, by id."""
    found: dict[uuid.UUID, list[ArticlePrice]] = {}
    for row in await connection.fetch(f"{_ARTICLE_ROWS} WHERE a.id = ANY ($1)", list(set(ids))):
        found.setdefault(row["id"], []).append(from_row(ArticlePrice, row))
    return found


async def articles_by_number(
    connection: DatabaseConnection, numbers: Collection[str]
) -> dict[tuple[str, dt.date], ArticlePrice]:
    """Every row of these articles, by number and first day."""
    rows = await connection.fetch(f"{_ARTICLE_ROWS} WHERE a.article_number = ANY ($1)", list(numbers))
    return {(row["article_number"], row["valid_from"]): from_row(ArticlePrice, row) for row in rows}


async def article_ids(connection: DatabaseConnection, numbers: Collection[str]) -> dict[str, uuid.UUID]:
    """The ids of the articles with these numbers."""
    return {row["article_number"]: row["id"] for row in await connection.fetch(_ARTICLE_IDS, list(numbers))}


async def save_articles(connection: DatabaseConnection, rows: Sequence[ArticlePrice]) -> None:
    """Keep these rows; a number that is new becomes an article."""
    known = await article_ids(connection, [row.article_number for row in rows])
    new = {row.article_number for row in rows} - known.keys()
    await connection.executemany(_NEW_ARTICLE, [(new_uuid(), number) for number in sorted(new)])
    await connection.executemany(_SAVE_ARTICLE, [to_row(row) for row in rows])


async def routes(connection: DatabaseConnection, numbers: Collection[str]) -> dict[str, Route]:
    """The routes with these numbers."""
    rows = await connection.fetch(_ROUTES, list(numbers))
    return {row["route_number"]: from_row(Route, row) for row in rows}


async def save_routes(connection: DatabaseConnection, rows: Sequence[Route]) -> None:
    """Keep these routes."""
    await connection.executemany(_SAVE_ROUTE, [to_row(row) for row in rows])


async def holidays(connection: DatabaseConnection, zone: str) -> Holidays:
    """The holidays that an operator in this IANA zone keeps."""
    country = country_of(zone)
    if country is None:
        return Holidays([])
    rows = await connection.fetch(f"{_HOLIDAY_ROWS} WHERE country = $1", country.value)
    return Holidays(from_row(HolidayRecord, row) for row in rows)


async def holidays_by_date(
    connection: DatabaseConnection, dates: Collection[dt.date]
) -> dict[tuple[Country, dt.date], HolidayRecord]:
    """The holidays of all countries on these days."""
    rows = await connection.fetch(f"{_HOLIDAY_ROWS} WHERE date = ANY ($1)", list(dates))
    found = [from_row(HolidayRecord, row) for row in rows]
    return {(holiday.country, holiday.date): holiday for holiday in found}


async def save_holidays(connection: DatabaseConnection, rows: Sequence[HolidayRecord]) -> None:
    """Keep these holidays."""
    await connection.executemany(_SAVE_HOLIDAY, [to_row(row) for row in rows])


async def rules_by_number(connection: DatabaseConnection, numbers: Collection[str]) -> dict[str, Rule]:
    """The rules with these numbers."""
    rows = await connection.fetch(f"{_RULE_ROWS} WHERE rule_number = ANY ($1)", list(numbers))
    return {row["rule_number"]: from_row(Rule, row) for row in rows}


async def rules(connection: DatabaseConnection, municipalities: Collection[str]) -> Rules:
    """The rules of these municipalities that calendars and offers follow."""
    rows = await connection.fetch(
        f"{_RULE_ROWS} WHERE municipality = ANY ($1) AND kind = ANY ($2)", list(municipalities), [CUT_OFF, TOLERANCE]
    )
    return Rules(from_row(Rule, row) for row in rows)


async def save_rules(connection: DatabaseConnection, rows: Sequence[Rule]) -> None:
    """Keep these rules."""
    await connection.executemany(_SAVE_RULE, [to_row(row) for row in rows])
