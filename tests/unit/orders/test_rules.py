"""O16: rules are data with validity dates; the one for the fraction wins over the general one."""

import datetime as dt

import pytest

from services.contracts.sites import Fraction
from services.orders.domain.rules import (
    CUT_OFF,
    DEFAULT_CUT_OFF,
    INTERVALS,
    TOLERANCE,
    CutOff,
    Rules,
    is_valid_value,
    parse_intervals,
)
from tests.unit.orders.factories import rule

DAY = dt.date(2026, 3, 4)


def holding(rules: Rules, fraction: Fraction = Fraction.RESIDUAL, day: dt.date = DAY, town: str = "KOUVOLA") -> str:
    found = rules.applicable(TOLERANCE, town, fraction, day)
    return found.rule_number if found else ""


def test_a_rule_for_the_fraction_wins_over_a_general_one() -> None:
    rules = Rules([rule(TOLERANCE, "1", number="general"), rule(TOLERANCE, "2", Fraction.BIOWASTE, "bio")])
    assert holding(rules, Fraction.BIOWASTE) == "bio"
    assert holding(rules, Fraction.RESIDUAL) == "general"
    older = Rules(
        [
            rule(TOLERANCE, "1", number="general", valid_from=dt.date(2026, 1, 1)),
            rule(TOLERANCE, "2", Fraction.BIOWASTE, "bio"),
        ]
    )
    assert holding(older, Fraction.BIOWASTE) == "bio", "also if the general one is newer"


def test_a_rule_holds_in_its_town_on_its_days() -> None:
    rules = Rules(
        [
            rule(TOLERANCE, "1", number="old", valid_until=dt.date(2026, 3, 3)),
            rule(TOLERANCE, "2", number="new", valid_from=DAY),
        ]
    )
    assert holding(rules, day=dt.date(2026, 3, 3)) == "old"
    assert holding(rules) == "new"
    assert holding(rules, day=dt.date(2024, 12, 31)) == ""
    assert holding(rules, town="IITTI") == ""


def test_of_two_rules_the_newer_holds() -> None:
    rules = Rules([rule(TOLERANCE, "2", number="new", valid_from=DAY), rule(TOLERANCE, "1", number="old")])
    assert holding(rules) == "new"


def test_what_holds_where_no_rule_says() -> None:
    assert Rules([]).tolerance("KOUVOLA", Fraction.RESIDUAL, DAY) == 0
    assert Rules([]).cut_off("KOUVOLA", Fraction.RESIDUAL, DAY) == (DEFAULT_CUT_OFF, "")


def test_a_rule_is_cited() -> None:
    rules = Rules([rule(CUT_OFF, "3 06:30", number="14")])
    assert rules.cut_off("KOUVOLA", Fraction.RESIDUAL, DAY) == (CutOff(3, dt.time(6, 30)), "§ 14")


def test_intervals_are_weeks() -> None:
    assert parse_intervals("12 2 4 6 8 2") == (2, 4, 6, 8, 12)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (CUT_OFF, "2"),
        (CUT_OFF, "2 24:00"),
        (CUT_OFF, "2 12:60"),
        (CUT_OFF, "-1 12:00"),
        (TOLERANCE, "8"),
        (TOLERANCE, "-1"),
        (TOLERANCE, "²"),
        (INTERVALS, " "),
        (INTERVALS, "0"),
        (INTERVALS, "2 four"),
        (INTERVALS, "53"),
    ],
)
def test_values_that_can_not_be_read_are_refused(kind: str, value: str) -> None:
    assert not is_valid_value(rule(kind, value))


@pytest.mark.parametrize(("kind", "value"), [(CUT_OFF, "2 12:00"), (TOLERANCE, "0"), (INTERVALS, "8 2 52")])
def test_values_that_can_be_read(kind: str, value: str) -> None:
    assert is_valid_value(rule(kind, value))
