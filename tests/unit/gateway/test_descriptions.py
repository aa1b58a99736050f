"""Descriptions made from contracts: docstrings under attributes, limits, the words of the graph."""

import enum
from typing import Annotated, Any

import pytest

from gateway.schema import descriptions
from services.contracts.values import Cursor, Doc, Id, IdempotencyKey, Length, Range, SearchText, TextLimit, Value


class Colour(enum.Enum):
    """The colour of a bin. It says nothing of the waste."""

    GREEN = "green"
    """Green, or ``light_green``."""
    BROWN = "brown"


class Bin(Value, frozen=True, kw_only=True):
    """A bin (L1, O2).

    It has a ``lid_colour``.
    """

    lid_colour: Colour | None
    """The colour of the lid (L2); None
    without a lid.
    """
    count: Annotated[int, Range(1, 20_000)] = 1
    """The number."""
    note: Annotated[str, TextLimit(600, lines=True), Length(0, 500)] | None = None
    other = 1


class SharedBin(Bin, frozen=True, kw_only=True):
    """A bin of several sites."""

    count: int = 1


def test_a_type_is_described_by_its_whole_docstring() -> None:
    assert descriptions.type_description(Bin) == "A bin.\n\nIt has a `lidColour`."


@pytest.mark.parametrize(
    ("kind", "name", "description"),
    [
        (Bin, "lid_colour", "The colour of the lid; null\nwithout a lid."),
        (SharedBin, "lid_colour", "The colour of the lid; null\nwithout a lid."),
        (SharedBin, "count", "The number."),
        (Bin, "note", None),
        (Colour, "GREEN", "Green, or `lightGreen`."),
        (Colour, "BROWN", None),
    ],
)
def test_an_attribute_is_described_by_the_docstring_under_it(kind: type, name: str, description: str | None) -> None:
    assert descriptions.attribute_description(kind, name) == description


@pytest.mark.parametrize(
    ("annotation", "limits"),
    [
        (IdempotencyKey, "1 to 200 characters."),
        (SearchText | None, "At most 200 characters."),
        (Annotated[str, TextLimit(600, lines=True)], "At most 600 characters. Line breaks are allowed."),
        (
            Annotated[str, TextLimit(600, lines=True), Length(0, 500)],
            "At most 500 characters. Line breaks are allowed.",
        ),
        (Annotated[int, Range(0, 60_000)] | None, "0 to 60,000."),
        (Annotated[list[Bin], Length(0, 500)], "At most 500 items."),
        (list[SearchText], "At most 200 characters each."),
        (Id | None, None),
        (list[Id], None),
        (str, None),
    ],
)
def test_limits_are_those_of_the_annotation(annotation: Any, limits: str | None) -> None:
    assert descriptions.input_field_description(Bin, "note", annotation) == limits


@pytest.mark.parametrize(
    ("name", "annotation", "description"),
    [
        ("word", Annotated[SearchText | None, Doc("A word; None: any.")], "A word; null: any. At most 200 characters."),
        (
            "before",
            Cursor | None,
            "The cursor behind the last node; null for the list's end. It needs `last`, and is valid as `after` is."
            " At most 2,000 characters.",
        ),
        ("first", Annotated[int, Doc("Events."), Range(1, 500)], "Events. 1 to 500."),
        ("colours", list[Colour] | None, "The colour of a bin."),
        ("input", Bin, "A bin."),
        ("position", Cursor, "At most 2,000 characters."),
        ("word", str, None),
    ],
)
def test_an_argument_has_a_doc_or_the_description_of_its_name_or_type(
    name: str, annotation: Any, description: str | None
) -> None:
    assert descriptions.argument_description(name, annotation) == description


def test_a_union_is_described_by_its_members() -> None:
    assert descriptions.union_description([Bin, SharedBin]) == "- `Bin`: A bin.\n- `SharedBin`: A bin of several sites."
