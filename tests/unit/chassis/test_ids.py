"""TypeIDs, against the specification's own vectors."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.ids import MalformedId, find_id, new_uuid, read_id, write_id

VECTORS = [
    ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]


@pytest.mark.parametrize(("text", "value"), VECTORS)
def test_the_specifications_vectors(text: str, value: str) -> None:
    assert write_id("prefix", uuid.UUID(value)) == f"prefix_{text}"
    assert read_id("prefix", f"prefix_{text}") == uuid.UUID(value)


@given(st.uuids())
def test_written_ids_are_read_back(value: uuid.UUID) -> None:
    assert read_id("import_sites", write_id("import_sites", value)) == value


@given(st.text())
def test_any_other_text_is_malformed(text: str) -> None:
    assert find_id("site", text) is None


@pytest.mark.parametrize(
    "text",
    ["org_01h455vb4pex5vsknk084sn02q", "site_01h455vb4pex5vsknk084sn02", "site_8zzzzzzzzzzzzzzzzzzzzzzzzz",
     "site_01h455vb4pex5vsknk084sn02u", "01h455vb4pex5vsknk084sn02q"],
)  # fmt: skip
def test_wrong_prefix_length_range_or_letter(text: str) -> None:
    with pytest.raises(MalformedId):
        read_id("site", text)


def test_new_ids_sort_by_time() -> None:
    made = [write_id("order", new_uuid()) for _ in range(1000)]
    assert made == sorted(made)
    assert new_uuid().version == 7
