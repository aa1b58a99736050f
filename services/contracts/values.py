"""The value types that every contract is written in.

JSON names are GraphQL names (camel case), a page of a list is a Relay connection, members of a result carry
``__typename``: what a service answers is what a client of the graph sees.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType


class TextLimit(msgspec.Struct, frozen=True):
    """Limits a text that a caller sends; it annotates the field: ``Annotated[str, TextLimit(100)]``.

    ``longest`` counts code points of the text as it was sent, before anything is done with it. Control characters,
    noncharacters and marks that turn the direction of writing are refused; ``lines`` allows tabs and line breaks.
    """

    longest: int
    lines: bool = False


class Batch(msgspec.Struct, frozen=True):
    """Annotates a list whose operation judges each item by itself, so that a bad one keeps no other back."""


Id = Annotated[str, TextLimit(100)]
"""A TypeID: a prefix, an underscore, a UUIDv7 in base 32. The same string in the graph, in events and in logs."""
IdempotencyKey = Annotated[str, TextLimit(200)]
"""A key that the caller chose for one command: the same key again is the same command."""
FieldName = Annotated[str, TextLimit(100)]
"""The name of a field, as the graph has it."""
SearchText = Annotated[str, TextLimit(200)]
"""What a list is searched for."""
Cursor = Annotated[str, TextLimit(2_000)]
"""A place in a list or a log; opaque to its reader."""


class Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A plain value of the language."""


class Outcome(Value, frozen=True, kw_only=True, tag_field="__typename", tag=True):
    """A member of an operation's result; ``__typename`` tells which."""


class Problem(Value, frozen=True, kw_only=True):
    """One thing that stands in the way of what was asked, meant for the person who asked.

    ``code`` is stable and in capitals; ``path`` leads to the input field it is about (camel case, outermost first,
    empty when it is about the whole); ``params`` fill the text that the gateway shows in the caller's language;
    ``retryable`` says that the same call may succeed a little later.
    """

    code: str
    path: list[str] = []
    params: dict[str, str] = {}
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
"""What is wrong with the form of an input, as the ``reason`` of MALFORMED; the gateway has a text for each.

Those with params: EARLIEST ``earliest``; EXAMPLE ``example``; RANGE ``least``, ``most``; TOO_LONG ``longest``;
TOO_SHORT ``shortest``; UNREADABLE ``detail``, in English, for those who made the client.
"""


class Refusal(Outcome, frozen=True, kw_only=True):
    """The expected "no": nothing was changed, and here is why."""

    problems: list[Problem]


def refuse(code: str, *path: str, retryable: bool = False, **params: object) -> Refusal:
    """A refusal with one problem."""
    texts = {name: str(value) for name, value in params.items()}
    return Refusal(problems=[Problem(code=code, path=list(path), params=texts, retryable=retryable)])


def malformed(*path: str, reason: MalformedReason, **params: object) -> Problem:
    """Make the problem of an input whose form is wrong."""
    texts = {name: str(value) for name, value in params.items()}
    return Problem(code="MALFORMED", path=list(path), params={"reason": reason, **texts})


def length_problem(text: str, shortest: int, longest: int, *path: str) -> Problem | None:
    """Find out whether a text is missing, too short or too long, in code points."""
    if not text and shortest > 0:
        return malformed(*path, reason="REQUIRED")
    if len(text) < shortest:
        return malformed(*path, reason="TOO_SHORT", shortest=shortest)
    if len(text) > longest:
        return malformed(*path, reason="TOO_LONG", longest=longest)
    return None


class Money(Value, frozen=True, kw_only=True):
    """An amount net of VAT.

    ``minor`` is in the currency's minor unit (cents), ``currency`` is ISO 4217, ``vat_rate`` is the VAT that comes
    on top, in tenths of a per cent (255 is 25.5 %).
    """

    minor: int
    currency: str
    vat_rate: int


class PageInfo(Value, frozen=True, kw_only=True):
    """Relay's page information (GraphQL Cursor Connections, section 5)."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


Node = TypeVar("Node")


class Edge(Value, Generic[Node], frozen=True, kw_only=True):
    """One place in a list."""

    cursor: str
    node: Node


class Connection(Value, Generic[Node], frozen=True, kw_only=True):
    """A page of a list; ``total_count`` counts the whole list behind its filters.

    It is left out where it was not asked for.
    """

    edges: list[Edge[Node]]
    page_info: PageInfo
    total_count: int | UnsetType = UNSET


class Page(Value, frozen=True, kw_only=True):
    """Which part of a list is asked for: ``first`` (0 to 200) nodes after the cursor ``after``.

    A cursor is of one list, in one order, behind one filter; elsewhere it is MALFORMED. ``total``: the whole list is
    counted, which takes the longer the more of it there is.
    """

    first: int = 50
    after: Cursor | None = None
    total: bool = True


MAX_PAGE = 200
