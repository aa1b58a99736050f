"""Waste codes: the List of Waste with its validity dates."""

import csv
import datetime as dt

import pytest

from services.orders.domain.waste_codes import HAZARDOUS, SUB_CHAPTERS, is_known
from tests.support.servers import ROOT

DAY = dt.date(2026, 3, 4)
LAST = dt.date(2026, 12, 8)
CHANGE = dt.date(2026, 12, 9)


def test_the_list_has_as_many_parts_as_the_decision() -> None:
    """111 sub-chapters of 20 chapters, and one more with the change of 2026."""
    assert len({code[:2] for code in SUB_CHAPTERS}) == 20
    assert [sum(begins <= day for begins in SUB_CHAPTERS.values()) for day in (LAST, CHANGE)] == [111, 112]


@pytest.mark.parametrize("code", ["20 03 01", "13 02 05*", "16 06 01*", "02 01 99", "17 05 03*"])
def test_known(code: str) -> None:
    assert is_known(code, DAY, None)


@pytest.mark.parametrize(
    "code",
    [
        *("21 01 01", "00 01 01", "01 02 01", "06 12 01", "20 04 01", "09 02 01"),
        *("20 03 00", "20 03 01*", "13 02 05", "20 03 1", "200301", "20 03 01 ", "20 03 01**", "", "２0 03 01"),
    ],
)
def test_not_known(code: str) -> None:
    assert not is_known(code, DAY, None)


def test_codes_come_and_go_with_the_change_of_2026() -> None:
    assert is_known("19 14 01", DAY, None), "from December on"
    assert is_known("19 14 01", DAY, CHANGE)
    assert not is_known("19 14 01", DAY, LAST)
    assert is_known("20 01 33*", LAST, None)
    assert not is_known("20 01 33*", CHANGE, None)


def test_the_products_articles_have_known_codes() -> None:
    with (ROOT / "deploy/local/demo/articles.csv").open(encoding="utf-8", newline="") as file:
        codes = {row["waste_code"] for row in csv.DictReader(file)}
    assert codes
    assert all(is_known(code, DAY, None) for code in codes)
    assert {code.rstrip("*") for code in codes} <= set(HAZARDOUS)
