"""The rules of municipalities and of the operator: data with validity dates and a citation."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from services.contracts.sites import Fraction
from services.orders.domain.validity import Number, Text, is_valid_on

CUT_OFF = "CUT_OFF"
TOLERANCE = "TOLERANCE"
INTERVALS = "INTERVALS"

_CUT_OFF = re.compile(r"(\d{1,2}) ([01]\d|2[0-3]):([0-5]\d)")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the ERP; a row of ``rules.csv``. Stored rules of an unknown kind are ignored."""

    rule_number: Number
    municipality: Text
    fraction: Fraction | None = None
    """None for all fractions."""
    kind: Annotated[str, Meta(pattern="^[A-Z][A-Z_]{0,49}$", examples=[CUT_OFF])]
    value: Text
    """The value of its kind.

    CUT_OFF: "D HH:MM", until HH:MM local time D working days before the pickup. TOLERANCE: days. INTERVALS: weeks,
    separated by spaces.
    """
    citation: Annotated[str, Meta(min_length=1, max_length=500)]
    valid_from: dt.date
    valid_until: dt.date | None = None


class CutOff(msgspec.Struct, frozen=True):
    """The end of ordering: ``at`` local time, ``working_days`` working days before the pickup."""

    working_days: int
    at: dt.time


DEFAULT_CUT_OFF = CutOff(0, dt.time())
"""The cut-off without a rule: the start of the pickup's day."""


def parse_cut_off(value: str) -> CutOff:
    """Parse the value of a CUT_OFF rule. Raise ValueError if it is malformed."""
    parts = _CUT_OFF.fullmatch(value)
    if parts is None:
        raise ValueError('expected "D HH:MM", such as "2 12:00"')
    return CutOff(int(parts[1]), dt.time(int(parts[2]), int(parts[3])))


def parse_tolerance(value: str) -> int:
    """Parse the value of a TOLERANCE rule, in days. Raise ValueError if it is malformed."""
    if not (value.isascii() and value.isdecimal() and int(value) <= 7):
        raise ValueError("expected days, 0 to 7")
    return int(value)


def parse_intervals(value: str) -> tuple[int, ...]:
    """Parse the value of an INTERVALS rule, in weeks, shortest first. Raise ValueError if it is malformed."""
    weeks = value.split()
    if not all(week.isascii() and week.isdecimal() and 1 <= int(week) <= 52 for week in weeks) or not weeks:
        raise ValueError("expected weeks, 1 to 52, separated by spaces")
    return tuple(sorted({int(week) for week in weeks}))


_PARSERS = {CUT_OFF: parse_cut_off, TOLERANCE: parse_tolerance, INTERVALS: parse_intervals}
EXAMPLES = {CUT_OFF: "2 12:00", TOLERANCE: "0-7", INTERVALS: "2 4 12"}
"""An example of each known kind's value."""


def is_valid_value(rule: Rule) -> bool:
    """Return whether a rule of a known kind has a well-formed value."""
    try:
        _PARSERS[rule.kind](rule.value)
    except ValueError:
        return False
    return True


class Rules:
    """The rules of some municipalities."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[rule.kind, rule.municipality].append(rule)

    def applicable(self, kind: str, municipality: str, fraction: Fraction, day: dt.date) -> Rule | None:
        """Return the rule for a fraction on a day: a rule of the fraction before a general one, then the newest."""
        candidates = [
            rule
            for rule in self._rules.get((kind, municipality), ())
            if rule.fraction in (None, fraction) and is_valid_on(rule.valid_from, rule.valid_until, day)
        ]
        return max(
            candidates,
            key=lambda rule: (rule.fraction is not None, rule.valid_from, rule.rule_number),
            default=None,
        )

    def cut_off(self, municipality: str, fraction: Fraction, day: dt.date) -> tuple[CutOff, str]:
        """Return the cut-off of pickups on a day, and the citation of its rule; empty without a rule."""
        rule = self.applicable(CUT_OFF, municipality, fraction, day)
        return (parse_cut_off(rule.value), rule.citation) if rule else (DEFAULT_CUT_OFF, "")

    def tolerance(self, municipality: str, fraction: Fraction, day: dt.date) -> int:
        """Return the number of days before or after a planned day on which the truck may come; 0 without a rule."""
        rule = self.applicable(TOLERANCE, municipality, fraction, day)
        return parse_tolerance(rule.value) if rule else 0
