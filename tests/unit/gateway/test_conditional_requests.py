"""Entity tags and `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.conditional_requests import CACHE_PRIVATE, CACHE_PUBLIC, cache_fields, etag_of, is_not_modified

JSON = b"application/json"
ETAG = b'"0123456789abcdef0123456789abcdef"'

opaque = st.binary(max_size=8).map(lambda raw: bytes(one for one in raw if one == 0x21 or 0x23 <= one != 0x7F))
tags = st.builds(lambda weak, inner: (b"W/" if weak else b"") + b'"' + inner + b'"', st.booleans(), opaque)
blanks = st.sampled_from([b"", b" ", b"\t", b" \t "])
separators = st.lists(blanks, min_size=2, max_size=4).map(b",".join)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"*", True),
        (b" * ", True),
        (ETAG, True),
        (b"W/" + ETAG, True),
        (b'"a", ' + ETAG, True),
        (ETAG + b' ,W/"b"', True),
        (b",, " + ETAG + b" , ", True),
        (b'"a,b",' + ETAG, True),
        (b"", False),
        (b'"a"', False),
        (b"w/" + ETAG, False),  # the W is upper case (section 8.8.3)
        (ETAG.strip(b'"'), False),
        (b'"a" ' + ETAG, False),
        (b'"a' + ETAG, False),
        (ETAG + b", *", False),
        (ETAG + b'"', False),
        (b'"a, ' + ETAG[1:-1] + b', b"', False),
        (b'" ', False),
    ],
)
def test_if_none_match(value: bytes, expected: bool) -> None:
    assert is_not_modified(value, ETAG) is expected


@given(st.lists(tags), st.lists(tags), st.booleans(), st.data())
def test_a_tag_is_found_in_every_list_that_has_it(
    before: list[bytes], after: list[bytes], weak: bool, data: st.DataObject
) -> None:
    def joined(parts: list[bytes]) -> bytes:
        return parts[0] + b"".join(data.draw(separators) + part for part in parts[1:])

    assert is_not_modified(joined([*before, (b"W/" if weak else b"") + ETAG, *after]), ETAG)
    if others := [one for one in [*before, *after] if one.removeprefix(b"W/") != ETAG]:
        assert not is_not_modified(joined(others), ETAG)


@given(st.binary(max_size=200))
def test_any_value_is_accepted(value: bytes) -> None:
    assert is_not_modified(value, ETAG) is (value.strip(b" \t") == b"*")


@pytest.mark.parametrize("piece", [b",", b" ,", b'""', b'"",', b'W/"a" ', b'"a" , ', b"W/", b'"a\x00'])
@pytest.mark.timeout(10)
def test_a_long_value_takes_no_time(piece: bytes) -> None:
    assert not is_not_modified(piece * 20_000 + b"x", ETAG)


@given(st.binary(), st.binary())
def test_an_etag_is_of_the_bytes_and_the_media_type(body: bytes, other: bytes) -> None:
    assert etag_of(body, JSON) == etag_of(bytes(body), JSON)
    assert (etag_of(body, JSON) == etag_of(other, JSON)) is (body == other)
    assert etag_of(body, JSON) != etag_of(body, b"application/graphql-response+json")
    assert is_not_modified(etag_of(body, JSON), etag_of(body, JSON))


def test_a_callers_responses_are_private() -> None:
    assert dict(cache_fields(ETAG, signed_in=True)) == {
        b"etag": ETAG,
        b"cache-control": CACHE_PRIVATE,
        b"vary": b"Accept, Accept-Language, Authorization",
    }
    assert dict(cache_fields(ETAG, signed_in=False))[b"cache-control"] == CACHE_PUBLIC
    assert b"private" in CACHE_PRIVATE and b"private" not in CACHE_PUBLIC
