"""An unpaired surrogate is decoded as a noncharacter; all other JSON is decoded unchanged."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.json_text import decode_json

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'"\ud800"', "\uffff"),
        (rb'"\uDC00a"', "\uffffa"),
        (rb'"\ud800\ud800\udc00"', "\uffff\U00010000"),
        (rb'"\\ud800\ud83d\ude00"', "\\ud800\N{GRINNING FACE}"),
        (rb'"\\\ud800"', "\\\uffff"),
    ],
)
def test_only_unpaired_surrogates_are_replaced(sent: bytes, read: str) -> None:
    assert decode_json(msgspec.json.decode, sent) == read


@pytest.mark.parametrize("sent", [b"", b'"', rb'"\ud80"', rb'"\x"', b'{"a":'])
def test_malformed_json_is_not_decoded(sent: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_json(msgspec.json.decode, sent)


@given(ANY_TEXT)
def test_every_other_character_is_unchanged(text: str) -> None:
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\ufffd", "")
    read = decode_json(msgspec.json.decode, json.dumps(text).encode())
    assert read.replace("\uffff", "").replace("\ufffd", "") == paired.replace("\uffff", "")
