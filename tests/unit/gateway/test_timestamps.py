"""The scalars of dates and times in the format of RFC 3339, section 5.6."""

import datetime as dt
import re
from typing import Any

import pytest
from graphql import GraphQLError, parse_value
from hypothesis import example, given
from hypothesis import strategies as st
from strawberry.types.scalar import ScalarDefinition

from gateway.schema.scalars import SCALARS, Long

UTC = dt.UTC


def parse(kind: object, value: object) -> Any:
    definition = SCALARS[kind]
    assert isinstance(definition, ScalarDefinition) and definition.parse_value is not None
    return definition.parse_value(value)


def is_refused(kind: object, value: object) -> bool:
    try:
        parse(kind, value)
    except GraphQLError as error:
        return len(error.message) < 250
    return False


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-28T10:00:00Z", dt.datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28t10:00:00z", dt.datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28T10:00:00+02:00", dt.datetime(2026, 11, 28, 8, tzinfo=UTC)),
        ("2026-11-28T10:00:00-09:30", dt.datetime(2026, 11, 28, 19, 30, tzinfo=UTC)),
        ("2026-11-28T10:00:00-00:00", dt.datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28T10:00:00+23:59", dt.datetime(2026, 11, 27, 10, 1, tzinfo=UTC)),
        ("2026-11-28T10:00:00.5Z", dt.datetime(2026, 11, 28, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-28T10:00:00.000001Z", dt.datetime(2026, 11, 28, 10, 0, 0, 1, tzinfo=UTC)),
        ("2026-11-28T23:59:59.9999999999999999999999Z", dt.datetime(2026, 11, 28, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", dt.datetime(2024, 2, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", dt.datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        # Section 5.8: the end of 1990, in UTC and on the coast of California.
        ("1990-12-31T23:59:60Z", dt.datetime(1990, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("1990-12-31T15:59:60-08:00", dt.datetime(1990, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2015-06-30T23:59:60.25Z", dt.datetime(2015, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2017-01-01T01:59:60+02:00", dt.datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_instants(text: str, instant: dt.datetime) -> None:
    assert parse(dt.datetime, text) == instant
    assert parse(dt.datetime, text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-W48-6T10:00:00Z",
        "2026-332T10:00:00Z",
        "20261128T100000Z",
        "2026-11-28 10:00:00Z",
        "2026-11-28_10:00:00Z",
        "2026-11-28T10:00:00",
        "2026-11-28T10:00Z",
        "2026-11-28T10Z",
        "2026-11-28",
        "2026-11-28T10:00:00.Z",
        "2026-11-28T10:00:00,5Z",
        "2026-11-28T10:00:00+0200",
        "2026-11-28T10:00:00+02",
        "2026-11-28T10:00:00+02:00:00",
        "2026-11-28T10:00:00+24:00",
        "2026-11-28T10:00:00+02:60",
        "2026-11-28T10:00:00Z+02:00",
        "2026-11-28T24:00:00Z",
        "2026-11-28T10:60:00Z",
        "2026-11-28T10:00:61Z",
        "2026-11-31T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-00:01",
        " 2026-11-28T10:00:00Z",
        "2026-11-28T10:00:00Z\n",
        "２０２６-11-28T10:00:00Z",
        "2026-11-28T10:00:0٠Z",
        "12026-11-28T10:00:00Z",
        "+2026-11-28T10:00:00Z",
        # No leap second is possible at these times.
        "2026-11-28T10:00:60Z",
        "2026-11-30T23:59:60Z",
        "1990-12-31T22:59:60Z",
        "1990-12-31T23:58:60Z",
        "1990-12-31T23:59:60+02:00",
        "",
        "now",
    ],
)
def test_no_instants(text: str) -> None:
    assert is_refused(dt.datetime, text)


def test_days() -> None:
    assert parse(dt.date, "2026-12-01") == dt.date(2026, 12, 1)
    assert parse(dt.date, "0001-01-01") == dt.date.min
    assert parse(dt.date, "9999-12-31") == dt.date.max
    assert type(parse(dt.date, "2024-02-29")) is dt.date


@pytest.mark.parametrize(
    "text",
    [
        "20261201",
        "2026-W48-6",
        "2026W486",
        "2026-335",
        "2026-12",
        "2026-12-1",
        "2026-12-01T00:00:00Z",
        "0000-01-01",
        "10000-01-01",
        "-2026-12-01",
        "2026-02-29",
        "2026-12-32",
        " 2026-12-01",
        "2026-12-01 ",
        "2026-12-01\n",
        "2026-12-0١",
        "2026−12−01",
        "",
    ],
)
def test_no_days(text: str) -> None:
    assert is_refused(dt.date, text)


@pytest.mark.parametrize("value", [None, 5, 1.5, True, ["2026-12-01"], {"a": 1}, b"2026-12-01", dt.date(2026, 12, 1)])
@pytest.mark.parametrize("kind", [dt.date, dt.datetime])
def test_values_other_than_texts_are_refused(kind: object, value: object) -> None:
    assert is_refused(kind, value)


@pytest.mark.parametrize("kind", [dt.date, dt.datetime, Long])
def test_a_refused_value_is_shortened(kind: object) -> None:
    for value in ("x" * 100_000, [["x" * 100_000] * 1000] * 1000, {"x" * 100_000: 1}, 10**4000):
        assert is_refused(kind, value)


# The grammar of section 5.6, without the leap second.
HOUR, SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
FULL_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DATE_TIME = rf"{FULL_DATE}[Tt]{HOUR}:{SIXTY}:{SIXTY}(\.[0-9]+)?([Zz]|[+-]{HOUR}:{SIXTY})"
SIMILAR = (
    r"[0-9]{4}-?([0-9]{2}|W[0-9]{2})-?[0-9]{1,2}([Tt ][0-9]{2}:?[0-9]{2}(:?[0-9]{2}([.,]\d*)?)?([Zz]|[+-−][0-9:]*)?)?"
)


def by_python(text: str) -> dt.datetime | None:
    """The instant of a text of the grammar, by Python's parser; None if there is no such day, or it is not in UTC."""
    whole, dot, rest = text.upper().partition(".")
    digits, offset = re.fullmatch(r"([0-9]*)(.*)", rest, re.DOTALL).groups() if dot else ("", "")  # type: ignore[union-attr]
    try:
        return dt.datetime.fromisoformat(f"{whole}{dot}{digits[:6]}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@given(st.from_regex(DATE_TIME, fullmatch=True))
@example("9999-12-31T23:59:59.9999999-00:00")
def test_every_text_of_the_grammar_is_parsed(text: str) -> None:
    expected = by_python(text)
    assert is_refused(dt.datetime, text) if expected is None else parse(dt.datetime, text) == expected


@given(st.from_regex(SIMILAR, fullmatch=True) | st.text())
def test_no_other_text_is_parsed(text: str) -> None:
    assert is_refused(dt.datetime, text) or re.fullmatch(DATE_TIME, text)
    assert is_refused(dt.date, text) or re.fullmatch(FULL_DATE, text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_formatted_instant_is_parsed(instant: dt.datetime) -> None:
    definition = SCALARS[dt.datetime]
    assert definition.serialize is not None
    assert parse(dt.datetime, definition.serialize(instant)) == instant
    assert parse(dt.date, instant.date().isoformat()) == instant.date()


LARGEST = 2**53 - 1


def literal(text: str) -> Any:
    definition = SCALARS[Long]
    assert definition.parse_literal is not None
    return definition.parse_literal(parse_value(text), None)


@pytest.mark.parametrize("number", [0, LARGEST, -LARGEST])
def test_long_numbers(number: int) -> None:
    assert parse(Long, number) == literal(str(number)) == number


@pytest.mark.parametrize("value", [LARGEST + 1, -LARGEST - 1, 10**30, 1.0, "1", True, None, float("nan")])
def test_no_long_numbers(value: object) -> None:
    assert is_refused(Long, value)


@pytest.mark.parametrize("text", [str(LARGEST + 1), str(-LARGEST - 1), "9" * 100_000, "1.0", '"1"', "true"])
def test_no_long_literals(text: str) -> None:
    with pytest.raises(GraphQLError) as refused:
        literal(text)
    assert len(refused.value.message) < 250
