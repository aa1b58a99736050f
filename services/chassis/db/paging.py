"""Pages of lists by keyset: a cursor holds the sort values of the row that it stands behind.

A cursor belongs to one list, in one order, behind one filter: it begins with a digest of these, and is refused anywhere
else, where it would skip and repeat rows silently. It is not signed, for it gives its holder nothing: the values are
checked, and compared in a query that shows each caller their own rows.
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
"""A sort value that is a PostgreSQL ``integer``."""
TimestampKey = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A sort value that is a PostgreSQL ``timestamptz``."""

_DIGEST_BYTES = 6

# Instants are then always in UTC, and a cursor is half as long as with JSON.
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class KeysetPage(Generic[Node]):
    """One page of a list: ``after``, the sort values that it begins behind, and ``limit``, how many rows to fetch.

    ``begins_behind``: it is not the first; ``counts``: the rows of the whole list are to be counted.

    ``kinds`` are the types of the sort values; ``list_name`` and ``scope`` (its order, its filter, in a form that is
    the same for the same rows) tell the list from all others. MalformedInput for a page that this list does not have.
    """

    def __init__(self, page: Page, kinds: tuple[Any, ...], list_name: str, *scope: object) -> None:
        if not 0 <= page.first <= MAX_PAGE:
            raise MalformedInput("first", reason="RANGE", least="0", most=str(MAX_PAGE))
        self._first = page.first
        self._list = (list_name, *scope)
        # One row more than is shown tells whether there is a next page.
        self.limit = page.first + 1
        self.counts_total = page.total
        self.has_previous_page = bool(page.after)
        self.after: Sequence[Any] = self._read(page.after, kinds) if page.after else (None,) * len(kinds)

    def connection(self, rows: Sequence[tuple[Sequence[object], Node]], total: int | UnsetType) -> Connection[Node]:
        """The page from the rows that were fetched, as sort values and node; ``total`` counts the whole list."""
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
        """The cursor of the row with these sort values."""
        return base64.urlsafe_b64encode(self._digest + _encode(values)).decode().rstrip("=")

    @functools.cached_property
    def _digest(self) -> bytes:
        return hashlib.blake2b(msgspec.json.encode(self._list), digest_size=_DIGEST_BYTES).digest()

    def _read(self, text: str, kinds: tuple[Any, ...]) -> Sequence[Any]:
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values: Sequence[Any] = _decoder(kinds).decode(packed[_DIGEST_BYTES:])
            known = packed.startswith(self._digest) and self.cursor(values) == text
        except (binascii.Error, ValueError, OverflowError):  # the last: an instant that UTC has no date for
            known = False
        if not known or any(isinstance(value, str) and "\0" in value for value in values):
            raise MalformedInput("after", reason="OTHER_LIST")
        return values


@functools.cache
def _decoder(kinds: tuple[Any, ...]) -> "msgspec.msgpack.Decoder[Sequence[Any]]":
    """Read the sort values of these types; what is of another type is refused before what is inside it is looked at."""
    return msgspec.msgpack.Decoder(tuple[kinds])  # type: ignore[valid-type]  # the types are known at run time
