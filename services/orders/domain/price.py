"""Articles and their prices, each valid between two days (O16)."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.contracts.sites import Fraction
from services.contracts.values import Money
from services.orders.domain.validity import Number, Text, is_valid_on


class ArticlePrice(msgspec.Struct, frozen=True, kw_only=True):
    """An article's description and price between two days; a row of ``articles.csv``."""

    article_number: Number
    name_fi: Text
    name_sv: Text
    name_nb: Text
    name_en: Text
    fraction: Fraction
    waste_code: Annotated[str, Meta(pattern=r"^[0-9]{2} [0-9]{2} [0-9]{2}\*?$", examples=["20 03 01", "20 01 21*"])]
    """An entry of the List of Waste (see ``waste_codes``); ``*`` marks hazardous waste."""
    unit: Annotated[str, Meta(min_length=1, max_length=20)]
    net_minor: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    """The net price of a unit in the currency's minor unit."""
    vat_rate: Annotated[int, Meta(ge=0, le=1000)]
    """Tenths of a per cent."""
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
    valid_from: dt.date
    valid_until: dt.date | None = None

    def name(self, language: str) -> str:
        """Return the article's name in a language (ISO 639-1)."""
        text: str = getattr(self, f"name_{language}")
        return text


def valid_price(rows: Sequence[ArticlePrice], day: dt.date) -> ArticlePrice | None:
    """Return the row that is valid on ``day``; of several the one with the latest start."""
    return max(
        (row for row in rows if is_valid_on(row.valid_from, row.valid_until, day)),
        key=lambda row: row.valid_from,
        default=None,
    )


def describing_price(rows: Sequence[ArticlePrice], day: dt.date) -> ArticlePrice:
    """Return the row that describes an article on ``day``: the valid one, else the last before, else the first."""
    started = [row for row in rows if row.valid_from <= day]
    nearest = max(started, key=lambda row: row.valid_from) if started else min(rows, key=lambda row: row.valid_from)
    return valid_price(rows, day) or nearest


def price_of(rows: Sequence[ArticlePrice], day: dt.date, count: int = 1) -> Money | None:
    """Return the net price of ``count`` units on ``day``; None without a valid price."""
    row = valid_price(rows, day)
    return Money.net(row.net_minor * count, row.currency, row.vat_rate) if row else None
