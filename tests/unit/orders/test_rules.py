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


def applicable(rules: Rules, fraction: Fraction = Fraction.RESIDUAL, day: dt.date = DAY, town: str = "KOUVOLA") -> str:
    rule_of_day = rules.applicable(TOLERANCE, town, fraction, day)
    return rule_of_day.rule_number if rule_of_day else ""


def test_a_rule_for_the_fraction_wins_over_a_general_one() -> None:
    rules = Rules([rule(TOLERANCE, "1", number="general"), rule(TOLERANCE, "2", Fraction.BIOWASTE, "bio")])
    assert applicable(rules, Fraction.BIOWASTE) == "bio"
    assert applicable(rules, Fraction.RESIDUAL) == "general"
    older = Rules(
        [
            rule(TOLERANCE, "1", number="general", valid_from=dt.date(2026, 1, 1)),
            rule(TOLERANCE, "2", Fraction.BIOWASTE, "bio"),
        ]
    )
    assert applicable(older, Fraction.BIOWASTE) == "bio", "also if the general one is newer"


def test_a_rule_applies_in_its_town_on_its_days() -> None:
    rules = Rules(
        [
            rule(TOLERANCE, "1", number="old", valid_until=dt.date(2026, 3, 3)),
            rule(TOLERANCE, "2", number="new", valid_from=DAY),
        ]
    )
    assert applicable(rules, day=dt.date(2026, 3, 3)) == "old"
    assert applicable(rules) == "new"
    assert applicable(rules, day=dt.date(2024, 12, 31)) == ""
    assert applicable(rules, town="IITTI") == ""


def test_the_newer_of_two_rules_applies() -> None:
    rules = Rules([rule(TOLERANCE, "2", number="new", valid_from=DAY), rule(TOLERANCE, "1", number="old")])
    assert applicable(rules) == "new"


def test_the_defaults_without_a_rule() -> None:
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
def test_malformed_values_are_refused(kind: str, value: str) -> None:
    assert not is_valid_value(rule(kind, value))


@pytest.mark.parametrize(("kind", "value"), [(CUT_OFF, "2 12:00"), (TOLERANCE, "0"), (INTERVALS, "8 2 52")])
def test_well_formed_values_are_accepted(kind: str, value: str) -> None:
    assert is_valid_value(rule(kind, value))
