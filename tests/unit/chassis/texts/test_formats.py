"""Dates, times, numbers and money in each language."""

import datetime as dt
import zoneinfo
from decimal import Decimal

import pytest

from services.chassis.texts.formats import format_date, format_money, format_number, format_time
from services.contracts.identity.people import Language

NBSP = "\N{NO-BREAK SPACE}"
MOMENT = dt.datetime(2026, 3, 4, 22, 5, tzinfo=dt.UTC).astimezone(zoneinfo.ZoneInfo("Europe/Helsinki"))


@pytest.mark.parametrize(
    ("language", "day", "time"),
    [
        (Language.FI, "5.3.2026", "0.05"),
        (Language.SV, "5 mars 2026", "0.05"),
        (Language.NB, "5. mars 2026", "00:05"),
        (Language.EN, "5 Mar 2026", "00:05"),
    ],
)
def test_a_moment_is_shown_in_its_zone(language: Language, day: str, time: str) -> None:
    assert (format_date(MOMENT.date(), language), format_time(MOMENT, language)) == (day, time)


@pytest.mark.parametrize(
    ("language", "number", "euros", "crowns"),
    [
        (Language.FI, f"1{NBSP}234{NBSP}567", f"1{NBSP}234,50{NBSP}€", f"-0,05{NBSP}NOK"),
        (Language.SV, f"1{NBSP}234{NBSP}567", f"1{NBSP}234,50{NBSP}€", f"-0,05{NBSP}Nkr"),
        (Language.NB, f"1{NBSP}234{NBSP}567", f"1{NBSP}234,50{NBSP}€", f"-0,05{NBSP}kr"),
        (Language.EN, "1,234,567", "€1,234.50", "-NOK0.05"),
    ],
)
def test_numbers_and_money(language: Language, number: str, euros: str, crowns: str) -> None:
    assert format_number(1_234_567, language).replace("\N{MINUS SIGN}", "-") == number
    assert format_money(123_450, "EUR", language) == euros
    assert format_money(-5, "NOK", language).replace("\N{MINUS SIGN}", "-") == crowns


def test_money_has_the_minor_units_of_its_currency() -> None:
    assert format_money(500, "JPY", Language.FI) == f"500{NBSP}¥"
    assert format_money(500, "EUR", Language.FI) == f"5,00{NBSP}€"


def test_decimals_are_kept() -> None:
    assert format_number(Decimal("0.12345"), Language.FI) == "0,12345"
