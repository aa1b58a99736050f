"""O3, O16: prices are data with validity dates."""

import datetime as dt

import pytest

from services.contracts.values import Money
from services.orders.domain.price import describing_price, price_of, valid_price
from tests.unit.orders.factories import article


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


ROWS = [
    article(798, d("2025-01-01"), d("2025-12-31")),
    article(823, d("2026-02-01"), d("2026-12-31")),
    article(850, d("2026-06-01")),
]


def test_a_price_is_that_of_the_day_for_all_containers() -> None:
    assert price_of(ROWS, d("2025-12-31")) == Money.net(798, "EUR", 255)
    assert price_of(ROWS, d("2026-02-01"), 52) == Money.net(42_796, "EUR", 255)


@pytest.mark.parametrize(
    ("minor", "vat_rate", "gross"), [(1000, 255, 1255), (1, 255, 1), (2, 255, 3), (798, 255, 1001), (823, 0, 823)]
)
def test_the_gross_amount_rounds_half_a_unit_up(minor: int, vat_rate: int, gross: int) -> None:
    assert Money.net(minor, "EUR", vat_rate).gross == gross
    assert Money.net(2, "EUR", 250).gross == 3, "2.5 cents"


def test_a_day_without_a_valid_row_has_no_price() -> None:
    assert price_of(ROWS, d("2026-01-15")) is None
    assert price_of(ROWS, d("2024-12-31")) is None


def test_the_newer_of_two_valid_rows_counts() -> None:
    row = valid_price(ROWS, d("2026-06-01"))
    assert row is not None
    assert row.net_minor == 850


def test_an_article_without_a_price_is_described() -> None:
    assert describing_price(ROWS, d("2026-03-01")).net_minor == 823
    assert describing_price(ROWS, d("2026-01-15")).net_minor == 798, "as it was last"
    assert describing_price(ROWS, d("2020-01-01")).net_minor == 798, "as it will be first"
    assert describing_price(ROWS, d("2020-01-01")).name("nb") == "Tømming"
