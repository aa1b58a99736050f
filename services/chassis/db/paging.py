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
from services.contracts.values import MAX_PAGE, Connection, Edge, Page, PageInfo

Node = TypeVar("Node")

IntegerKey = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""Sort value of the PostgreSQL type ``integer``."""
TimestampKey = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""Sort value of the PostgreSQL type ``timestamptz``."""

_DIGEST_BYTES = 6

# MessagePack: instants are always in UTC, and a cursor is half as long as with JSON.
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class KeysetPage(Generic[Node]):
    """A page of a list.

    ``kinds`` are the types of the sort values. ``list_name`` and ``scope`` (order and filter in a canonical form)
    identify the list. MalformedInput for a size out of range or a cursor of another list.
    """

    def __init__(self, page: Page, kinds: tuple[Any, ...], list_name: str, *scope: object) -> None:
        if not 0 <= page.first <= MAX_PAGE:
            raise MalformedInput("first", reason="RANGE", least="0", most=str(MAX_PAGE))
        self._first = page.first
        self._list = (list_name, *scope)
        self.limit = page.first + 1
        """Rows to fetch: one more than the page has, which tells whether there is a next page."""
        self.counts_total = page.total
        """Whether to count the rows of the whole list."""
        self.has_previous_page = bool(page.after)
        self.after: Sequence[Any] = self._read(page.after, kinds) if page.after else (None,) * len(kinds)
        """The sort values of the row before the page; None each for the first page."""

    def connection(self, rows: Sequence[tuple[Sequence[object], Node]], total: int | UnsetType) -> Connection[Node]:
        """Return the page from the fetched rows, as sort values and node; ``total`` counts the whole list."""
        shown = rows[: self._first]
        edges = [Edge(cursor=self.cursor(values), node=node) for values, node in shown]
        return Connection(
            edges=edges,
            page_info=PageInfo(
                has_next_page=len(rows) > len(shown),
                has_previous_page=self.has_previous_page,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
            total_count=total,
        )

    def cursor(self, values: Sequence[object]) -> str:
        """Return the cursor of the row with these sort values."""
        return base64.urlsafe_b64encode(self._digest + _encode(values)).decode().rstrip("=")

    @functools.cached_property
    def _digest(self) -> bytes:
        return hashlib.blake2b(msgspec.json.encode(self._list), digest_size=_DIGEST_BYTES).digest()

    def _read(self, text: str, kinds: tuple[Any, ...]) -> Sequence[Any]:
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values: Sequence[Any] = _decoder(kinds).decode(packed[_DIGEST_BYTES:])
            valid = packed.startswith(self._digest) and self.cursor(values) == text
        except (binascii.Error, ValueError, OverflowError):  # OverflowError: an instant without a date in UTC
            valid = False
        if not valid or any(isinstance(value, str) and "\0" in value for value in values):
            raise MalformedInput("after", reason="OTHER_LIST")
        return values


@functools.cache
def _decoder(kinds: tuple[Any, ...]) -> "msgspec.msgpack.Decoder[Sequence[Any]]":
    """Return the decoder of sort values of these types, which rejects a value of another type before its contents."""
    return msgspec.msgpack.Decoder(tuple[kinds])  # type: ignore[valid-type]  # the types are known at run time
