"""Value types that all contracts share.

A service's JSON reaches clients of the graph unchanged: names are in camel case, a page of a list is a Relay
connection, and the members of a result union carry ``__typename``.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType


class TextLimit(msgspec.Struct, frozen=True):
    """The limits of a text that a caller sends, as an annotation of its field: ``Annotated[str, TextLimit(100)]``.

    Control characters, noncharacters and characters that change the direction of writing are refused.
    """

    longest: int
    """Code points at most, counted before the text is normalised or trimmed."""
    lines: bool = False
    """Whether tabs and line breaks are allowed."""


class Batch(msgspec.Struct, frozen=True):
    """The annotation of a list whose items are validated one by one, so that an invalid item fails alone."""


class IdOf(msgspec.Struct, frozen=True):
    """The annotation of an id that a caller sends: the type of the thing that it identifies."""

    prefix: str = ""
    """The prefix of its TypeID; empty for a thing without an organisation, or of any type."""


Id = Annotated[str, TextLimit(100), IdOf()]
"""A TypeID: a prefix, an underscore, a UUIDv7 in base 32. The same string in the graph, in events and in logs."""
OrganisationId = Annotated[str, TextLimit(100), IdOf("org")]
SiteId = Annotated[str, TextLimit(100), IdOf("site")]
AgreementId = Annotated[str, TextLimit(100), IdOf("agreement")]
OrderId = Annotated[str, TextLimit(100), IdOf("order")]
TicketId = Annotated[str, TextLimit(100), IdOf("ticket")]
IdempotencyKey = Annotated[str, TextLimit(200)]
"""A key that the caller chooses for a command: a repetition with the same key is the same command."""
FieldName = Annotated[str, TextLimit(100)]
"""The GraphQL name of a field."""
SearchText = Annotated[str, TextLimit(200)]
"""The search text of a list."""
Cursor = Annotated[str, TextLimit(2_000)]
"""A position in a list or a log; opaque to clients."""


class Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A value of a contract."""


class Outcome(Value, frozen=True, kw_only=True, tag_field="__typename", tag=True):
    """A member of an operation's result union, tagged by ``__typename``."""


class Problem(Value, frozen=True, kw_only=True):
    """A reason why a call was refused, to be shown to the user. ``code`` is stable and in capitals.
    ``path`` leads to the input field with the problem, outermost field first; empty if it concerns the whole input.
    ``retryable`` is true if the same call may succeed a little later.
    """

    code: str
    path: list[str] = []
    params: dict[str, str] = {}
    """Values for the placeholders of the message that the gateway makes in the caller's language."""
    retryable: bool = False


MalformedReason = Literal[
    "CHARACTERS",
    "EARLIEST",
    "EXAMPLE",
    "LEAVE_OUT",
    "MIXED_SCRIPTS",
    "OTHER_LIST",
    "RANGE",
    "REQUIRED",
    "TOO_LONG",
    "TOO_SHORT",
    "UNREADABLE",
]
"""The ``reason`` of MALFORMED: an input's formal error, for which the gateway has a message each.

Reasons with params: EARLIEST ``earliest``; EXAMPLE ``example``; RANGE ``least``, ``most``; TOO_LONG ``longest``;
TOO_SHORT ``shortest``; UNREADABLE ``detail``, in English, for developers of clients.
"""


class Refusal(Outcome, frozen=True, kw_only=True):
    """A refused call: nothing was changed. ``problems`` has at least one reason."""

    problems: list[Problem]


def refuse(code: str, *path: str, retryable: bool = False, **params: object) -> Refusal:
    """Return a refusal with one problem."""
    texts = {name: str(value) for name, value in params.items()}
    return Refusal(problems=[Problem(code=code, path=list(path), params=texts, retryable=retryable)])


def malformed(*path: str, reason: MalformedReason, **params: object) -> Problem:
    """Return the problem of a malformed input."""
    texts = {name: str(value) for name, value in params.items()}
    return Problem(code="MALFORMED", path=list(path), params={"reason": reason, **texts})


def length_problem(text: str, shortest: int, longest: int, *path: str) -> Problem | None:
    """Return the problem of a text that is missing, too short or too long (in code points); None if it is neither."""
    if not text and shortest > 0:
        return malformed(*path, reason="REQUIRED")
    if len(text) < shortest:
        return malformed(*path, reason="TOO_SHORT", shortest=shortest)
    if len(text) > longest:
        return malformed(*path, reason="TOO_LONG", longest=longest)
    return None


class Money(Value, frozen=True, kw_only=True):
    """An amount of money, excluding VAT. ``minor`` counts the currency's minor unit (cents of EUR).
    ``currency`` is an ISO 4217 code. ``vat_rate`` is the VAT to be added, in tenths of a per cent (255 is 25.5 %).
    """

    minor: int
    currency: str
    vat_rate: int


class PageInfo(Value, frozen=True, kw_only=True):
    """Information on a page (GraphQL Cursor Connections, section 5). The cursors are None if the page is empty."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


Node = TypeVar("Node")


class Edge(Value, Generic[Node], frozen=True, kw_only=True):
    """A node of a list and its cursor."""

    cursor: str
    node: Node


class Connection(Value, Generic[Node], frozen=True, kw_only=True):
    """A page of a list. ``total_count`` is the number of nodes in the whole filtered list."""

    edges: list[Edge[Node]]
    page_info: PageInfo
    total_count: int | UnsetType = UNSET
    """Left out unless ``Page.total`` requests it."""


class Page(Value, frozen=True, kw_only=True):
    """The requested part of a list."""

    first: int = 50
    """Nodes at most: 0 to 200."""
    after: Cursor | None = None
    """The cursor before the first node. It is valid for one list, order and filter only; otherwise MALFORMED."""
    total: bool = True
    """Whether to count the whole list, which takes time in proportion to its length."""


MAX_PAGE = 200
