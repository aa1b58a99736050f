"""Factories of domain records."""

import datetime as dt
import uuid

from services.contracts.sites import Fraction
from services.orders.domain.agreement import AgreementFacts, AgreementRecord
from services.orders.domain.calendar import Schedule
from services.orders.domain.holidays import Country, HolidayRecord, Holidays
from services.orders.domain.pickup import PickupRecord
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule, Rules

NOBODY = uuid.UUID(int=0)


def holiday(date: dt.date, moves_to: dt.date) -> HolidayRecord:
    return HolidayRecord(
        country=Country.FI,
        date=date,
        name_fi="Juhla",
        name_sv="Fest",
        name_nb="Fest",
        name_en="Feast",
        moves_to=moves_to,
    )


def holidays(*moves: tuple[dt.date, dt.date]) -> Holidays:
    return Holidays(holiday(date, moves_to) for date, moves_to in moves)


def route(
    weekdays: str = "TH",
    week_interval: int = 1,
    first_week: dt.date = dt.date(2025, 1, 1),
    valid_from: dt.date = dt.date(2025, 1, 1),
    valid_until: dt.date | None = None,
) -> Route:
    return Route(
        route_number="R",
        area="KELTAKANGAS",
        fraction=Fraction.RESIDUAL,
        weekdays=weekdays,
        week_interval=week_interval,
        first_week=first_week,
        valid_from=valid_from,
        valid_until=valid_until,
    )


def rule(
    kind: str,
    value: str,
    fraction: Fraction | None = None,
    number: str = "1",
    valid_from: dt.date = dt.date(2025, 1, 1),
    valid_until: dt.date | None = None,
) -> Rule:
    return Rule(
        rule_number=number,
        municipality="KOUVOLA",
        fraction=fraction,
        kind=kind,
        value=value,
        citation=f"§ {number}",
        valid_from=valid_from,
        valid_until=valid_until,
    )


def article(net_minor: int, valid_from: dt.date, valid_until: dt.date | None = None) -> ArticlePrice:
    return ArticlePrice(
        article_number="R240",
        name_fi="LOPPUJÄTEASTIAN 240 L TYHJENNYS",
        name_sv="Tömning",
        name_nb="Tømming",
        name_en="Emptying",
        fraction=Fraction.RESIDUAL,
        waste_code="20 03 01",
        unit="pcs",
        net_minor=net_minor,
        vat_rate=255,
        currency="EUR",
        valid_from=valid_from,
        valid_until=valid_until,
    )


def agreement(
    first_pickup: dt.date = dt.date(2026, 1, 8),
    interval_weeks: int = 2,
    ordered_on: dt.date = dt.date(2019, 8, 13),
    ended_on: dt.date | None = None,
) -> AgreementRecord:
    return AgreementRecord(
        id=uuid.uuid5(NOBODY, "agreement"),
        version=1,
        organisation_id=NOBODY,
        municipality="KOUVOLA",
        facts=AgreementFacts(
            agreement_number="A1",
            site_id=NOBODY,
            container_id=NOBODY,
            article_id=NOBODY,
            route_number="R",
            fraction=Fraction.RESIDUAL,
            litres=360,
            count=1,
            interval_weeks=interval_weeks,
            ordered_on=ordered_on,
            first_pickup=first_pickup,
            ended_on=ended_on,
        ),
    )


def schedule(
    of: AgreementRecord | None = None,
    moves: Holidays | None = None,
    follows: Route | None = None,
    rules: Rules | None = None,
    ordered: tuple[PickupRecord, ...] = (),
    recorded: tuple[PickupRecord, ...] = (),
) -> Schedule:
    return Schedule(
        agreement=of or agreement(),
        route=follows or route(),
        holidays=moves or holidays(),
        rules=rules or Rules([rule("CUT_OFF", "2 12:00"), rule("TOLERANCE", "1", number="2")]),
        ordered=ordered,
        recorded=recorded,
    )
