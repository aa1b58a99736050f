"""What is asked for: three operations, from a few leaves to thousands."""

from pathlib import Path

import msgspec

_OPERATIONS = Path(__file__).parent / "operations"

_SITE: list[object] = [
    *("id", "siteNumber"),
    *("address", ["street", "postalCode", "city"]),
    *("containers", ["id", "fraction", "litres", "count"]),
]
_PICKUP: list[object] = ["id", "date", "toleranceDays", "originalDate", "state", "article", ["name", "wasteCode"]]
_PORTAL: dict[str, list[object]] = {"sites": ["edges", ["node", _SITE]], "nextPickups": _PICKUP}


class Page(msgspec.Struct, frozen=True):
    """One operation with its variables; the sites in its answer, and the calls to services that it may make."""

    name: str
    operation: str
    sites: int
    calls: int
    connections: int
    """Of the load: the more work a request is, the fewer keep a core busy."""
    wanted: dict[str, float]
    """Our throughput against the contestants' of whom a ratio is wanted."""
    picked: dict[str, list[object]]
    """What it shows of each operation's answer, in its order: for whoever asks services for just that."""

    @property
    def text(self) -> str:
        return (_OPERATIONS / f"{self.operation}.graphql").read_text(encoding="utf-8")

    @property
    def has_joins(self) -> bool:
        return self.calls > 1

    def body(self) -> bytes:
        """The request's body (GraphQL over HTTP, section 5)."""
        request: dict[str, object] = {"query": self.text}
        if self.has_joins:
            request["variables"] = {"first": self.sites}
        return msgspec.json.encode(request)

    def request(self, path: str, token: str) -> bytes:
        """The whole request, as it goes over the wire."""
        body = self.body()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: contest\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


SMALL = Page(
    "small",
    "small",
    sites=1,
    calls=1,
    connections=16,
    wanted={"hand-written": 0.8, "mercurius": 1.1, "mercurius-loaders": 1.1, "apollo": 2, "strawberry": 6},
    picked={"sites": ["edges", ["node", ["id", "siteNumber", "municipality"]]]},
)
PORTAL = Page(
    "portal page",
    "portal_page",
    sites=10,
    calls=2,
    connections=16,
    wanted={
        "hand-written": 0.9,
        "async-graphql": 1.4,
        "mercurius": 1.9,
        "mercurius-loaders": 1.9,
        "apollo": 5.5,
        "strawberry": 18,
    },
    picked=_PORTAL,
)
MANY = Page(
    "200 sites",
    "portal_page",
    sites=200,
    calls=2,
    connections=8,
    wanted={
        "hand-written": 0.95,
        "async-graphql": 2.2,
        "mercurius": 5,
        "mercurius-loaders": 5,
        "apollo": 14,
        "strawberry": 60,
    },
    picked=_PORTAL,
)
PAGES = (SMALL, PORTAL, MANY)
