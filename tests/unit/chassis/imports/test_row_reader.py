"""Row parser: cells are validated as a person's input, and every error has a text in every language."""

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from services.chassis.imports import bad_rows
from services.chassis.imports.row_reader import RowError, read_row, row_error
from services.contracts.identity.people import Language
from services.contracts.values import TextLimit
from services.sites.usecases.import_sites import Phone
from tests.text_usage import bad_rows_shown


class Colour(enum.Enum):
    """An enum of a column."""

    RED = "RED"
    BLUE = "BLUE"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row with a column of each type."""

    name: Annotated[str, Meta(min_length=1, max_length=10)]
    note: Annotated[str, Meta(max_length=20), TextLimit(20, lines=True)] | None = None
    code: Annotated[str, Meta(pattern="^[0-9]{2}$", examples=["12"])] | None = None
    phone: Phone | None = None
    colour: Colour | None = None
    count: Annotated[int, Meta(ge=0, le=9)] | None = None
    day: dt.date | None = None
    at: Annotated[dt.datetime, Meta(tz=True)] | None = None


def fault(**cells: str) -> RowError | None:
    read = read_row(Row, {"name": "a", **cells})
    return read if isinstance(read, RowError) else None


@pytest.mark.parametrize(
    "cells",
    [
        {"name": "Ärjylä – 2"},
        {"name": "1+1=2"},
        {"note": "two\nlines"},
        {"code": "12"},
        {"phone": "+358 40 123"},
        {"phone": "040-123 / Matti"},
        {"colour": "RED"},
        {"count": "0"},
        {"day": "2026-03-05"},
        {"at": "2026-03-05T08:30:00+02:00"},
        {"code": ""},
    ],
)
def test_good_cells(cells: Mapping[str, str]) -> None:
    assert fault(**cells) is None


@pytest.mark.parametrize(
    ("field", "text", "params"),
    [
        ("name", "x" * 11, {"reason": "TOO_LONG", "longest": "10"}),
        ("count", "1" * 1001, {"reason": "TOO_LONG", "longest": "1000"}),
        *(
            ("name", f"a{mark}b", {"reason": "CHARACTERS"})
            for mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\x07\n\t\ud800\ufffe"
        ),
        ("note", "a\u202eb", {"reason": "CHARACTERS"}),
        ("code", "1\u202e2", {"reason": "CHARACTERS"}),
        ("phone", "+358\u202e", {"reason": "CHARACTERS"}),
        *(("name", f"{sign}1", {"reason": "FORMULA", "found": sign}) for sign in "=+-@＝＋－＠"),
        ("note", "@SUM(A1)", {"reason": "FORMULA", "found": "@"}),
        *(("phone", text, {"expected": "+358 40 1234567"}) for text in ("=1", "@x", "-1", "+1+cmd|' /C calc'!A0")),
        ("code", "123", {"expected": "12"}),
        ("code", "=1", {"expected": "12"}),
        ("code", "１２", {"expected": "12"}),
        ("colour", "red", {"reason": "ONE_OF", "expected": "BLUE, RED"}),
        ("count", "10", {"reason": "NUMBER", "least": "0", "most": "9"}),
        ("count", "-1", {"reason": "NUMBER", "least": "0", "most": "9"}),
        ("count", "1.5", {"reason": "NUMBER", "least": "0", "most": "9"}),
        ("count", "=1", {"reason": "NUMBER", "least": "0", "most": "9"}),
        ("day", "5.3.2026", {"reason": "DATE"}),
        ("day", "2026-02-30", {"reason": "DATE"}),
        ("at", "2026-03-05T08:30:00", {"reason": "INSTANT", "oldest": "2000"}),
    ],
)
def test_bad_cells_are_named_with_what_is_expected(field: str, text: str, params: Mapping[str, str]) -> None:
    found = fault(**{field: text})
    assert found == RowError(field, "MALFORMED", params)


def test_an_empty_cell_is_an_absent_one() -> None:
    assert fault(name="") == RowError("name", "MISSING")


def test_the_text_of_a_cell_is_truncated_in_its_problem() -> None:
    assert row_error("name", "UNKNOWN", value="x" * 10_000).params == {"value": "x" * 100}


# Texts


def test_the_codes_are_found_in_the_sources() -> None:
    assert {"UNKNOWN", "REPEATED", "ON_ANOTHER_SITE", "MALFORMED.FORMULA", "NOT_UTF8"} <= bad_rows_shown(()).keys()


def test_a_reason_is_in_its_readers_language() -> None:
    params = {"reason": "NUMBER", "least": "0", "most": "9"}
    reasons = [bad_rows.reason("MALFORMED", params, language) for language in Language]
    assert reasons == [
        "Odotettu: kokonaisluku väliltä 0–9.",
        "Väntat: ett heltal från 0 till 9.",
        "Ventet: et heltall fra 0 til 9.",
        "Expected a whole number from 0 to 9.",
    ]


def test_a_reason_of_a_newer_build_is_shown_as_far_as_it_is_known() -> None:
    assert bad_rows.reason("TELEPORTED", {}, Language.EN) == "TELEPORTED"
    assert bad_rows.reason("MALFORMED", {"reason": "NEW"}, Language.EN).endswith("Expected: ….")
