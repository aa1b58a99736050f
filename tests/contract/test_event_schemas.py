"""The events' JSON Schemas: valid, true of the samples, current, and each kind of change recognised."""

import datetime as dt
import enum
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest

from services.contracts import declare
from services.contracts.declare import EventType
from tests.contract.event_samples import every_event, samples_of
from tests.contract.event_schemas import (
    FILE,
    committed_schemas,
    event_schema,
    event_schema_errors,
    write_event_schemas,
)
from tests.contract.schema_changes import find_changes

MOVED = "orders.order.moved"
EVENTS = every_event()
RELEASED = f"## Unreleased\n\n- `{MOVED}` lost its reason\n\n## 1.0.0 (2027-03-01)\n"


class Colour(enum.Enum):
    RED = "RED"
    GREEN = "GREEN"


class OnlyRed(enum.Enum):
    RED = "RED"


class Part(msgspec.Struct):
    size: int


class LargerPart(msgspec.Struct):
    size: int
    weight: int = 0


class HeavierPart(msgspec.Struct):
    size: int
    weight: int


def schema_of(**fields: Any) -> dict[str, Any]:
    """Return the schema of a struct; a pair of a type and a default makes an optional field."""
    defined = [(name, *value) if isinstance(value, tuple) else (name, value) for name, value in fields.items()]
    return msgspec.json.schema(msgspec.defstruct("Thing", defined, kw_only=True))


def at_most(limit: int) -> Any:
    return Annotated[str, msgspec.Meta(max_length=limit)]


def at_least(limit: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=limit)]


BREAKING = {
    "a field removed": (schema_of(a=int, b=int), schema_of(a=int), "$.b: field removed"),
    "an optional field removed": (schema_of(a=int, b=(int, 0)), schema_of(a=int), "$.b: field removed"),
    "a field renamed": (schema_of(a=int), schema_of(b=(int, 0)), "$.a: field removed"),
    "a type changed": (schema_of(a=int), schema_of(a=str), "$.a: type changed from integer to string"),
    "a date made a text": (schema_of(a=dt.date), schema_of(a=str), "$.a: type changed from string date to string"),
    "null no longer allowed": (
        schema_of(a=int | None),
        schema_of(a=int),
        "$.a: type changed from integer or null to integer",
    ),
    "null allowed": (schema_of(a=int), schema_of(a=int | None), "$.a: type changed from integer to integer or null"),
    "an enum made a text": (schema_of(a=Colour), schema_of(a=str), "$.a: type changed from enum to string"),
    "an item's type changed": (
        schema_of(a=list[int]),
        schema_of(a=list[str]),
        "$.a[*]: type changed from integer to string",
    ),
    "a value's type changed": (
        schema_of(a=dict[str, int]),
        schema_of(a=dict[str, str]),
        "$.a.*: type changed from integer to string",
    ),
    "a required field": (
        schema_of(a=int),
        schema_of(a=int, b=int),
        "$.b: required field added: a new field needs a default",
    ),
    "a required field inside": (
        schema_of(a=list[Part]),
        schema_of(a=list[HeavierPart]),
        "$.a[*].weight: required field added: a new field needs a default",
    ),
    "an optional field made required": (schema_of(a=(int, 0)), schema_of(a=int), "$.a: became required"),
    "a lower maximum": (schema_of(a=at_most(9)), schema_of(a=at_most(8)), "$.a: maxLength narrowed from 9 to 8"),
    "a new maximum": (schema_of(a=str), schema_of(a=at_most(8)), "$.a: maxLength narrowed from None to 8"),
    "a higher minimum": (schema_of(a=at_least(1)), schema_of(a=at_least(2)), "$.a: minimum narrowed from 1 to 2"),
    "a pattern": (
        schema_of(a=str),
        schema_of(a=Annotated[str, msgspec.Meta(pattern="^a")]),
        "$.a: pattern narrowed from None to ^a",
    ),
    "an enum value removed": (schema_of(a=Colour), schema_of(a=OnlyRed), "$.a: enum value GREEN removed"),
    "an optional enum's value removed": (
        schema_of(a=(Colour | None, None)),
        schema_of(a=(OnlyRed | None, None)),
        "$.a: enum value GREEN removed",
    ),
}
COMPATIBLE = {
    "an optional field": (schema_of(a=int), schema_of(a=int, b=(int, 0)), "$.b: field added"),
    "an optional field inside": (
        schema_of(a=list[Part]),
        schema_of(a=list[LargerPart]),
        "$.a[*].weight: field added",
    ),
    "a field made optional": (schema_of(a=int), schema_of(a=(int, 0)), "$.a: became optional"),
    "an enum value": (schema_of(a=OnlyRed), schema_of(a=Colour), "$.a: enum value GREEN added"),
    "a higher maximum": (schema_of(a=at_most(8)), schema_of(a=at_most(9)), "$.a: maxLength widened from 8 to 9"),
    "no maximum": (schema_of(a=at_most(8)), schema_of(a=str), "$.a: maxLength widened from 8 to None"),
    "a lower minimum": (schema_of(a=at_least(2)), schema_of(a=at_least(1)), "$.a: minimum widened from 2 to 1"),
    "another default": (schema_of(a=(int, 0)), schema_of(a=(int, 1)), "$.a: another default"),
}


@pytest.mark.parametrize(("before", "after", "expected"), BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_recognised(before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    found = [f"{change.place}: {change.text}" for change in find_changes(before, after) if change.breaking]
    assert found == [expected]


@pytest.mark.parametrize(("before", "after", "expected"), COMPATIBLE.values(), ids=COMPATIBLE)
def test_a_compatible_change_is_recognised(before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    changes = find_changes(before, after)
    assert expected in [f"{change.place}: {change.text}" for change in changes]
    assert not any(change.breaking for change in changes)


def test_another_description_and_name_are_no_change() -> None:
    before = schema_of(a=Part)
    after = msgspec.json.decode(msgspec.json.encode(before).replace(b"Part", b"Piece"))
    after["$defs"]["Piece"]["description"] = "A piece."
    assert find_changes(before, after) == []


@pytest.mark.parametrize("event_type", EVENTS, ids=lambda event_type: event_type.name)
def test_a_schema_is_valid_and_true_of_every_sample(event_type: EventType) -> None:
    schema = committed_schemas()[event_type.name]
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert isinstance(validator, jsonschema.Draft202012Validator)
    for file in samples_of(event_type.name):
        validator.validate(msgspec.json.decode(file.read_bytes()))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({})


def test_the_schemas_are_current() -> None:
    assert event_schema_errors() == []


def commit(folder: Path, schema: dict[str, Any]) -> None:
    """Make a schema the committed one of the event."""
    (folder / MOVED / FILE).write_bytes(msgspec.json.encode(schema))


def moved_schema() -> dict[str, Any]:
    return event_schema(declare._by_name[MOVED])


def test_an_outdated_a_missing_and_a_new_schema_are_noticed_and_written(samples: Path) -> None:
    older = moved_schema()
    del older["$defs"]["OrderMoved"]["properties"]["version"]
    older["$defs"]["OrderMoved"]["required"].remove("version")
    older["$defs"]["OrderState"]["enum"].remove("CONFIRMED")
    commit(samples, older)
    assert event_schema_errors(samples) == [
        f"breaking: {MOVED} $.version: required field added: a new field needs a default"
    ]
    older = moved_schema()
    older["$defs"]["OrderState"]["enum"].remove("CONFIRMED")
    commit(samples, older)
    assert event_schema_errors(samples) == [
        f"{MOVED}/{FILE} is not current: $.before: enum value CONFIRMED added, $.state: enum value CONFIRMED added"
    ]
    commit(samples, moved_schema() | {"description": "Moved."})
    assert event_schema_errors(samples) == [f"{MOVED}/{FILE} is not current: another description"]
    (samples / MOVED / FILE).unlink()
    assert event_schema_errors(samples) == [f"{MOVED} has no {FILE}"]
    assert write_event_schemas(samples) == []
    assert event_schema_errors(samples) == []


def test_a_breaking_change_is_accepted_before_the_first_release_with_a_line_in_the_changelog(samples: Path) -> None:
    older = moved_schema()
    older["$defs"]["OrderMoved"]["properties"]["reason"] = {"type": "string"}
    commit(samples, older)
    (broken,) = event_schema_errors(samples)
    assert broken == f"breaking: {MOVED} $.reason: field removed"

    def refusal(*, accept_breaking: bool, changelog: str) -> str:
        (reason,) = write_event_schemas(samples, accept_breaking=accept_breaking, changelog=changelog)
        assert event_schema_errors(samples) == [broken], "nothing was written"
        return reason.removeprefix(broken)

    unreleased = RELEASED.partition("\n## 1")[0]
    assert refusal(accept_breaking=False, changelog=unreleased) == "; to accept it: --accept-breaking"
    assert "has no line with" in refusal(accept_breaking=True, changelog="## Unreleased\n")
    assert "it takes a new event" in refusal(accept_breaking=True, changelog=RELEASED)
    assert write_event_schemas(samples, accept_breaking=True, changelog=unreleased) == []
    assert event_schema_errors(samples) == []


def test_a_removed_event_is_a_breaking_change(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(declare._by_name, MOVED)
    assert event_schema_errors(samples) == [f"breaking: {MOVED} the event was removed"]
    changelog = RELEASED.partition("\n## 1")[0]
    assert write_event_schemas(samples, accept_breaking=True, changelog=changelog) == []
    assert not (samples / MOVED / FILE).exists()
