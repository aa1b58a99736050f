"""Rules for all events: no personal data, and a subject. A changed schema of the graph is noticed, too."""

import msgspec
import pytest

from services.contracts.declare import EventType
from services.contracts.values import Id
from tests import snapshots
from tests.contract.event_samples import SERVICES, every_event

EVENTS = every_event()
# Words in the names of fields with names, contacts, codes or texts.
FORBIDDEN = {
    "name",
    "email",
    "phone",
    "street",
    "address",
    "city",
    "message",
    "text",
    "note",
    "code",
    "contact",
    "username",
}


@pytest.mark.parametrize("event_type", EVENTS, ids=lambda event_type: event_type.name)
def test_an_event_has_no_personal_data(event_type: EventType) -> None:
    fields = {field.name for field in msgspec.structs.fields(event_type.struct)}
    words = {word for field in fields for word in field.split("_")}
    assert words & FORBIDDEN == set()


@pytest.mark.parametrize("event_type", EVENTS, ids=lambda event_type: event_type.name)
def test_an_events_subject_is_one_of_its_ids(event_type: EventType) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(event_type.struct)}
    assert fields[event_type.subject] == Id
    assert event_type.name.split(".")[0] in SERVICES


@pytest.mark.parametrize(
    ("committed", "current", "complaint"),
    [
        ("type Query { a: Int b: Int }", "type Query { a: Int }", "breaking"),
        ("type Query { a: Int }", "type Query { a: String }", "breaking"),
        ("type Query { a: Int }", "type Query { a: Int b: Int }", "not current"),
    ],
)
def test_a_changed_schema_is_noticed(committed: str, current: str, complaint: str) -> None:
    found = snapshots.schema_errors(committed, current)
    assert any(complaint in one for one in found)
