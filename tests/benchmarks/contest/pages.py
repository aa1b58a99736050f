"""Operations of the load: three, from a few leaves to thousands, and fifty others, sent between them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.contest import load

_OPERATIONS = Path(__file__).parent / "operations"

_SITE: list[object] = [
    *("id", "siteNumber"),
    *("address", ["street", "postalCode", "city"]),
    *("containers", ["id", "fraction", "litres", "count"]),
]
_PICKUP: list[object] = ["id", "date", "toleranceDays", "originalDate", "state", "article", ["name", "wasteCode"]]
_PORTAL: dict[str, list[object]] = {"sites": ["edges", ["node", _SITE]], "nextPickups": _PICKUP}
CURSOR_DIGITS = 32
"""Digits of the cursor in each request; no canned service reads it."""


class Page(msgspec.Struct, frozen=True):
    """One operation with its variables, and its expected response and calls."""

    name: str
    operation: str
    text: str
    sites: int
    """Number of sites in its response."""
    calls: int
    """Number of calls to services that it may make."""
    selected: dict[str, list[object]]
    """Its selection of each operation's result, in its order, for servers that request only that from services."""
    connections: int = 16
    """Connections of the load: the more work a request is, the fewer keep a core busy."""
    targets: dict[str, float] = {}
    """Targets of our throughput divided by a contestant's."""

    @property
    def has_joins(self) -> bool:
        return self.calls > 1

    def body(self, after: str | None = None) -> bytes:
        """Return the body of a request for the sites after a cursor (GraphQL over HTTP, section 5)."""
        first = {"first": self.sites} if self.has_joins else {}
        return msgspec.json.encode({"query": self.text, "variables": {**first, "after": after}})

    def template(self, path: str, token_length: int) -> bytes:
        """Return the whole request as sent, with placeholders for the values that differ between requests."""
        body = self.body(load.digits(CURSOR_DIGITS))
        request_id = "-".join(load.digits(length) for length in (8, 4, 4, 4, 12))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
            f"Authorization: Bearer {load.token(token_length)}\r\n"
            f"traceparent: 00-{load.digits(32)}-{load.digits(16)}-01\r\nX-Request-Id: {request_id}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _text(operation: str) -> str:
    return (_OPERATIONS / f"{operation}.graphql").read_text(encoding="utf-8")


def _other(number: int, fields: Sequence[str]) -> Page:
    return Page(
        f"other {number}",
        f"other/{number}",
        f"query Other{number}($after: String) {{\n  sites(first: 1, after: $after) {{\n    edges {{\n      node {{\n"
        f"        {' '.join(fields)}\n      }}\n    }}\n  }}\n}}\n",
        sites=1,
        calls=1,
        selected={"sites": ["edges", ["node", [*fields]]]},
    )


SMALL = Page(
    "small",
    "small",
    _text("small"),
    sites=1,
    calls=1,
    selected={"sites": ["edges", ["node", ["id", "siteNumber", "municipality"]]]},
    targets={"hand-written": 0.85, "mercurius": 1.2, "mercurius-loaders": 1.2, "apollo": 2, "strawberry": 6},
)
PORTAL = Page(
    "portal page",
    "portal_page",
    _text("portal_page"),
    sites=10,
    calls=2,
    selected=_PORTAL,
    targets={
        "hand-written": 1,
        "async-graphql": 2,
        "mercurius": 2.2,
        "mercurius-loaders": 2.2,
        "apollo": 5.5,
        "strawberry": 18,
    },
)
MANY = Page(
    "200 sites",
    "portal_page",
    _text("portal_page"),
    sites=200,
    calls=2,
    selected=_PORTAL,
    connections=8,
    targets={
        "hand-written": 1.2,
        "async-graphql": 5,
        "mercurius": 5,
        "mercurius-loaders": 5,
        "apollo": 14,
        "strawberry": 60,
    },
)
PAGES = (SMALL, PORTAL, MANY)

_SCALARS = ("id", "siteNumber", "municipality", "area", "propertyType", "dwellings", "billedTo")
_SELECTIONS = itertools.chain(itertools.combinations(_SCALARS, 3), itertools.combinations(_SCALARS, 4))
OTHERS = tuple(_other(number, fields) for number, fields in enumerate(itertools.islice(_SELECTIONS, 1, 51), start=1))
"""Other operations that the load sends between the measured ones: they differ in their selection of a site."""
