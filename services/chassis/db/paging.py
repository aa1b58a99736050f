"""Keyset pagination: a cursor holds the sort values of its row.

A cursor belongs to one list, order and filter: it begins with their digest, and is rejected for any other list, in
which it would skip or repeat rows silently. It is not signed, since it grants nothing: the values are validated, and
the query still returns only the caller's own rows.
"""

import base64
import binascii
import datetime as dt
import functools
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UnsetType

from services.chassis.problems import MalformedInput
from services.contracts.values import DEFAULT_PAGE, MAX_PAGE, Connection, Edge, Filter, Id, Page, PageInfo, Sorting

Node = TypeVar("Node")

IntegerKey = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""Sort value of the PostgreSQL type ``integer``."""
TimestampKey = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""Sort value of the PostgreSQL type ``timestamptz``."""

_DIGEST_BYTES = 6
_CURSOR_VERSION = 2
"""The version of the cursors' contents: those of another one are refused."""

# MessagePack: instants are always in UTC, and a cursor is half as long as with JSON.
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class Updates(msgspec.Struct, frozen=True):
    """The statements of a page on changes of its list."""

    token: str | None = None
    """The token for a later look."""
    removed: list[Id] = []
    """The ids of what has left the list."""


class KeysetPage(Generic[Node]):
    """A page of a list: its first rows, or its last ones, which are read backwards.

    ``kinds`` are the types of the sort values. ``list_name`` and ``scope`` (order, filter and whatever else determines
    the rows) identify the list: a Filter by the fields that are set, so that a cursor outlives a new field.
    MalformedInput for arguments that don't go together, a size out of range, or a cursor of another list.
    """

    def __init__(self, page: Page, kinds: tuple[Any, ...], list_name: str, *scope: object) -> None:
        self.backward = page.last is not None
        """Whether the page's rows are fetched in the opposite of the list's order."""
        self._size = _size_of(page)
        self._name, self._scope = list_name, scope
        self.updated_after = page.updated_after
        """The token of an earlier look; None: the whole list is requested."""
        self.makes_token = page.updates and page.after is None and page.before is None
        """Whether the page has a token for a later look."""
        self.has_look = self.makes_token or self.updated_after is not None
        """Whether the page is of a look that follows an earlier one, or that a later one may follow."""
        self._list = (_CURSOR_VERSION, list_name, page.updated_after, *(_set_fields(one) for one in scope))
        self.limit = self._size + 1
        """Rows to fetch: one more than the page has, which tells whether the list goes on."""
        self.counts_total = page.total
        """Whether to count the rows of the whole list."""
        argument, cursor = ("before", page.before) if self.backward else ("after", page.after)
        self.has_start = cursor is not None
        """Whether the page begins at a cursor."""
        self.start: Sequence[Any] = (None,) * len(kinds) if cursor is None else self._read(argument, cursor, kinds)
        """The sort values of the row before the first one to be fetched; None each without a cursor."""

    def connection(
        self,
        rows: Sequence[tuple[Sequence[object], Node]],
        total: int | UnsetType,
        updates: Updates = Updates(),  # noqa: B008 - it is frozen
    ) -> Connection[Node]:
        """Return the page from the fetched rows, as sort values and node; ``total`` counts the whole list."""
        shown = rows[: self._size]
        goes_on = len(rows) > len(shown)
        if self.backward:
            shown = shown[::-1]
        edges = [Edge(cursor=self.cursor(values), node=node) for values, node in shown]
        return Connection(
            edges=edges,
            page_info=PageInfo(
                has_next_page=self.has_start if self.backward else goes_on,
                has_previous_page=goes_on if self.backward else self.has_start,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
                updated_until=updates.token,
            ),
            removed=updates.removed,
            total_count=total,
        )

    def cursor(self, values: Sequence[object]) -> str:
        """Return the cursor of the row with these sort values."""
        return base64.urlsafe_b64encode(self._digest + _encode(values)).decode().rstrip("=")

    @functools.cached_property
    def filter_digest(self) -> bytes:
        """The digest of the list and its filter, whatever the order."""
        parts = [one for one in self._scope if not isinstance(one, Sorting)]
        return _digest_of([self._name, *map(_set_fields, parts)])

    @functools.cached_property
    def _digest(self) -> bytes:
        return _digest_of(self._list)

    def _read(self, argument: str, text: str, kinds: tuple[Any, ...]) -> Sequence[Any]:
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values: Sequence[Any] = _decoder(kinds).decode(packed[_DIGEST_BYTES:])
            valid = packed.startswith(self._digest) and self.cursor(values) == text
        except (binascii.Error, ValueError, OverflowError):  # OverflowError: an instant without a date in UTC
            valid = False
        if not valid or any(isinstance(value, str) and "\0" in value for value in values):
            raise MalformedInput(argument, reason="OTHER_LIST")
        return values


def _digest_of(parts: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=_DIGEST_BYTES).digest()


def _size_of(page: Page) -> int:
    """Return the most rows of a page; MalformedInput if its arguments don't go together."""
    for name, other in (("last", "first"), ("after", "last"), ("before", "first")):
        if getattr(page, name) is not None and getattr(page, other) is not None:
            raise MalformedInput(name, reason="LEAVE_OUT")
    if page.before is not None and page.last is None:
        raise MalformedInput("last", reason="REQUIRED")
    name, size = ("first", page.first) if page.last is None else ("last", page.last)
    if size is not None and not 0 <= size <= MAX_PAGE:
        raise MalformedInput(name, reason="RANGE", least="0", most=str(MAX_PAGE))
    return DEFAULT_PAGE if size is None else size


def _set_fields(part: object) -> object:
    """Return a part of a list's identity in a canonical form: a filter as its set fields, with sorted values."""
    if not isinstance(part, Filter):
        return part
    values = ((name, getattr(part, name)) for name in sorted(part.__struct_fields__))
    return [
        (name, sorted({str(msgspec.to_builtins(one)) for one in value}) if isinstance(value, list) else value)
        for name, value in values
        if value is not None
    ]


@functools.cache
def _decoder(kinds: tuple[Any, ...]) -> "msgspec.msgpack.Decoder[Sequence[Any]]":
    """Return the decoder of sort values of these types, which rejects a value of another type before its contents."""
    return msgspec.msgpack.Decoder(tuple[kinds])  # type: ignore[valid-type]  # the types are known at run time
