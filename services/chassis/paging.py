"""Pages of lists by keyset: a cursor holds the sort values of the row that it stands behind."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from services.chassis.problems import MalformedInput
from services.contracts.values import MAX_PAGE, Connection, Edge, Page, PageInfo

Node = TypeVar("Node")


def row_count(page: Page) -> int:
    """How many rows a page shows; MalformedInput if that is less than 0 or more than MAX_PAGE."""
    if not 0 <= page.first <= MAX_PAGE:
        raise MalformedInput("first", expected=f"0-{MAX_PAGE}")
    return page.first


def write_cursor(values: Sequence[object]) -> str:
    """The cursor of a row with these sort values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def read_cursor(page: Page, *kinds: Any) -> list[Any] | None:
    """The sort values of the cursor that a page begins behind, if any; MalformedInput if it is none of ours."""
    text = page.after
    if not text:
        return None
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=list)
        return [msgspec.convert(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (binascii.Error, ValueError):
        raise MalformedInput("after", expected="a cursor of this list") from None


def connection_of(rows: Sequence[tuple[Sequence[object], Node]], page: Page, total: int) -> Connection[Node]:
    """A page from (sort values, node) rows, of which one more than the page shows was fetched."""
    shown = rows[: row_count(page)]
    edges = [Edge(cursor=write_cursor(values), node=node) for values, node in shown]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > len(shown),
            has_previous_page=page.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        total_count=total,
    )
