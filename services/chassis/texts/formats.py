"""Dates, times, numbers and money as each language writes them, by the Unicode CLDR."""

import datetime as dt
from decimal import Decimal

from babel import dates, numbers

from services.contracts.identity.people import Language

_LOCALES = {Language.FI: "fi_FI", Language.SV: "sv_FI", Language.NB: "nb_NO", Language.EN: "en_GB"}
"""The CLDR's locale of each language. British English has the day before the month, and 24 hours."""


def format_date(day: dt.date, language: Language) -> str:
    """Return a day with its year, such as ``4.3.2026`` in Finnish."""
    return dates.format_date(day, "medium", _LOCALES[language])


def format_time(moment: dt.datetime, language: Language) -> str:
    """Return the hour and minute of an instant in its own time zone, which the caller has made the operator's."""
    return dates.format_time(moment, "short", moment.tzinfo, _LOCALES[language])


def format_number(number: int | Decimal, language: Language) -> str:
    """Return a number with its groups of digits separated, and all its decimals."""
    return numbers.format_decimal(number, locale=_LOCALES[language], decimal_quantization=False)


def format_money(minor: int, currency: str, language: Language) -> str:
    """Return an amount of ``minor`` units (cents of EUR) of a currency, which is an ISO 4217 code."""
    amount = Decimal(minor).scaleb(-numbers.get_currency_precision(currency))
    return numbers.format_currency(amount, currency, locale=_LOCALES[language])
