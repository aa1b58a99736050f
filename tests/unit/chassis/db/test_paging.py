"""Keyset pagination: contents of pages, and rejection of other lists' cursors."""

import base64
import datetime as dt
import enum
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.db import paging
from services.chassis.db.paging import IntegerKey, KeysetPage, TimestampKey
from services.chassis.problems import MalformedInput
from services.contracts.values import Filter, Page


class Sorted(enum.Enum):
    CITY = "CITY"
    STREET = "STREET"


KINDS: dict[tuple[Any, ...], st.SearchStrategy[list[Any]]] = {
    (str, uuid.UUID): st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.uuids()).map(list),
    (TimestampKey, uuid.UUID): st.tuples(st.datetimes(timezones=st.just(dt.UTC)), st.uuids()).map(list),
    (IntegerKey,): st.tuples(st.integers(-(2**31), 2**31 - 1)).map(list),
}
ANY_KINDS = st.sampled_from(list(KINDS))
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes().map(dt.datetime.isoformat)
    # It is written with an offset, and UTC has no date for it.
    | st.just("0001-01-01T00:00:00+14:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def page_behind(after: str | None, kinds: tuple[Any, ...] = (IntegerKey,), *scope: object) -> KeysetPage[int]:
    return KeysetPage(Page(after=after), kinds, "list", *scope)


def forged(packed: bytes) -> str:
    """Return a cursor with the digest of the list."""
    digest = base64.urlsafe_b64decode(page_behind(None).cursor([]) + "==")[:6]
    return base64.urlsafe_b64encode(digest + packed).decode().rstrip("=")


def test_pages_say_whether_there_is_more() -> None:
    rows = [([number], number) for number in range(4)]
    part: KeysetPage[int] = KeysetPage(Page(first=3), (IntegerKey,), "list")
    assert (list(part.start), part.limit) == ([None], 4)
    first = part.connection(rows, 10)
    assert ([edge.node for edge in first.edges], first.total_count) == ([0, 1, 2], 10)
    assert (first.page_info.has_next_page, first.page_info.has_previous_page) == (True, False)
    behind = page_behind(first.page_info.end_cursor)
    assert list(behind.start) == [2]
    last = behind.connection([], 10)
    assert (last.page_info.has_next_page, last.page_info.has_previous_page) == (False, True)
    assert (last.page_info.start_cursor, last.page_info.end_cursor) == (None, None)


def pages(numbers: list[int], size: int, *, backward: bool) -> list[list[int]]:
    """Return all pages of a list, followed by cursors from one of its ends to the other."""
    found: list[list[int]] = []
    cursor = None
    while True:
        page = Page(last=size, before=cursor) if backward else Page(first=size, after=cursor)
        part: KeysetPage[int] = KeysetPage(page, (IntegerKey,), "list")
        (start,) = part.start
        ahead = [one for one in numbers if start is None or (one < start if part.backward else one > start)]
        fetched = sorted(ahead, reverse=part.backward)[: part.limit]
        listed = part.connection([([number], number) for number in fetched], len(numbers))
        found.append([edge.node for edge in listed.edges])
        info = listed.page_info
        goes_on, has_start = (
            (info.has_previous_page, info.has_next_page) if backward else (info.has_next_page, info.has_previous_page)
        )
        assert has_start == (cursor is not None)
        if not goes_on:
            return found
        cursor = info.start_cursor if backward else info.end_cursor


@given(st.sets(st.integers(0, 1000), max_size=20), st.integers(1, 7))
def test_pages_from_either_end_are_the_whole_list_in_its_order(numbers: set[int], size: int) -> None:
    expected = sorted(numbers)
    forward, backward = pages(expected, size, backward=False), pages(expected, size, backward=True)
    assert [number for page in forward for number in page] == expected
    assert [number for page in reversed(backward) for number in page] == expected


@pytest.mark.parametrize("size", [-1, 201, 2**63])
@pytest.mark.parametrize("argument", ["first", "last"])
def test_a_page_has_at_most_200_rows(argument: str, size: int) -> None:
    with pytest.raises(MalformedInput) as refused:
        KeysetPage(msgspec.convert({argument: size}, Page), (IntegerKey,), "list")
    assert refused.value.path == [argument]


@pytest.mark.parametrize(
    ("page", "path"),
    [
        (Page(first=1, last=1), "last"),
        (Page(last=1, after="x"), "after"),
        (Page(first=1, before="x"), "before"),
        (Page(before="x"), "last"),
        (Page(after="x", before="x"), "last"),
        (Page(after=""), "after"),
        (Page(last=1, before=""), "before"),
    ],
)
def test_a_page_has_one_direction(page: Page, path: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        KeysetPage(page, (IntegerKey,), "list")
    assert refused.value.path == [path]


def test_a_page_without_a_size_has_50_rows() -> None:
    assert KeysetPage(Page(), (IntegerKey,), "list").limit == 51


class Wanted(Filter, frozen=True, kw_only=True):
    kinds: list[Sorted] | None = None


class WantedMore(Filter, frozen=True, kw_only=True):
    kinds: list[Sorted] | None = None
    text: str | None = None


def test_a_cursor_is_bound_to_the_set_fields_of_a_filter() -> None:
    both = [Sorted.STREET, Sorted.CITY, Sorted.STREET]
    cursor = page_behind(None, (IntegerKey,), Wanted(kinds=both)).cursor([5])
    for same in (Wanted(kinds=both[1:]), WantedMore(kinds=both)):
        assert list(page_behind(cursor, (IntegerKey,), same).start) == [5]
    for other in (Wanted(), Wanted(kinds=both[:1]), WantedMore(kinds=both, text="a"), None):
        with pytest.raises(MalformedInput):
            page_behind(cursor, (IntegerKey,), other)


@given(ANY_KINDS.flatmap(lambda kinds: st.tuples(st.just(kinds), KINDS[kinds])))
def test_a_cursor_is_read_as_it_was_written(case: tuple[tuple[Any, ...], list[Any]]) -> None:
    kinds, values = case
    assert list(page_behind(page_behind(None, kinds).cursor(values), kinds).start) == values


@pytest.mark.parametrize("kinds", KINDS)
@given(
    after=st.text()
    | st.binary(min_size=1).map(forged)
    | (ANYTHING | st.lists(ANYTHING, max_size=2)).map(msgspec.msgpack.encode).map(forged)
)
def test_any_other_text_is_malformed(kinds: tuple[Any, ...], after: str) -> None:
    try:
        read = page_behind(after, kinds)
    except MalformedInput as refused:
        assert refused.path == ["after"]
    else:
        assert read.cursor(read.start) == after


NESTED = 100_000


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize(
    "packed",
    [
        b"\x91" * NESTED,
        b"\x92\xa1a" + b"\x91" * NESTED,
        b"\xdd\xff\xff\xff\xff",
        msgspec.msgpack.encode(["a\0b", uuid.UUID(int=1).bytes]),
        b"\x92\xc7\x0c\xff" + b"\x00" * 4 + b"\x7f" + b"\xff" * 7 + b"\xc4\x10" + b"\x01" * 16,
        msgspec.msgpack.encode([2**31]),
        msgspec.msgpack.encode([True]),
        b"",
    ],
    ids=["nested", "nested inside", "long", "NUL", "after time", "huge", "wrong", "nothing"],
)
def test_a_forged_cursor_is_malformed(kinds: tuple[Any, ...], packed: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        page_behind(forged(packed), kinds)
    assert refused.value.path == ["after"]


@pytest.mark.parametrize("text", ["2026-03-04T10:00:00", "2026-03-04T10:00:00Z", "0001-01-01T00:00:00+14:00", "now"])
def test_an_instant_is_read_as_it_was_written_alone(text: str) -> None:
    with pytest.raises(MalformedInput):
        page_behind(forged(msgspec.msgpack.encode([text, uuid.UUID(int=1).bytes])), (TimestampKey, uuid.UUID))


def test_a_cursor_that_was_touched_is_malformed() -> None:
    cursor = page_behind(None).cursor([5])
    for touched in (cursor + "=", cursor + "A", cursor[:-1], cursor[:3] + "\n" + cursor[3:], "!" + cursor):
        with pytest.raises(MalformedInput):
            page_behind(touched)


def test_a_cursor_of_another_version_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = page_behind(None).cursor([5])
    monkeypatch.setattr(paging, "_CURSOR_VERSION", paging._CURSOR_VERSION + 1)
    with pytest.raises(MalformedInput) as refused:
        page_behind(cursor)
    assert refused.value.path == ["after"]


def test_a_cursor_belongs_to_its_list_its_order_and_its_filter() -> None:
    scopes: list[tuple[object, ...]] = [
        (Sorted.CITY, None, None),
        (Sorted.STREET, None, None),
        (Sorted.CITY, "%a%", None),
        (Sorted.CITY, None, "%a%"),
        (Sorted.CITY, ["RECEIVED"], None),
        (Sorted.CITY, [], None),
    ]
    for scope in scopes:
        cursor = page_behind(None, (IntegerKey,), *scope).cursor([5])
        for other in scopes:
            if other is scope:
                assert list(page_behind(cursor, (IntegerKey,), *other).start) == [5]
                continue
            with pytest.raises(MalformedInput):
                page_behind(cursor, (IntegerKey,), *other)
        with pytest.raises(MalformedInput):
            KeysetPage(Page(after=cursor), (IntegerKey,), "another list", *scope)


def test_cursors_are_short() -> None:
    assert len(page_behind(None, (TimestampKey, uuid.UUID)).cursor([dt.datetime.now(dt.UTC), uuid.uuid4()])) < 60
