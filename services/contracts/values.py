"""Value types that all contracts share.

A service's JSON reaches clients of the graph unchanged: names are in camel case, a page of a list is a Relay
connection, and the members of a result union carry ``__typename``.
"""

import enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType


class TextLimit(msgspec.Struct, frozen=True):
    """The limits of a text that a caller sends, as an annotation of its field: ``Annotated[str, TextLimit(100)]``.

    Control characters, noncharacters and characters that change the direction of writing are refused. A text of blanks
    and invisible characters alone is an empty one.
    """

    longest: int
    """Code points at most, counted before the text is normalised or trimmed."""
    lines: bool = False
    """Whether tabs and line breaks are allowed."""
    verbatim: bool = False
    """Whether the text stays as it was sent; others are normalised (NFC) and trimmed."""


class Length(msgspec.Struct, frozen=True):
    """The length of a text as it is kept, in characters, or of a list: an annotation for whoever sends one.

    The owner refuses any other with ``length_problem``, after it has normalised the text.
    """

    least: int
    most: int


class Range(msgspec.Struct, frozen=True):
    """The least and the greatest number of a field, both inclusive: an annotation for whoever sends one.

    The owner refuses any other with ``range_problem``.
    """

    least: int
    most: int


class TextFormat(msgspec.Struct, frozen=True):
    """The annotation of a text in a standard's format: the scalar of the graph. The owner refuses any other text."""

    scalar: str


class Doc(msgspec.Struct, frozen=True):
    """The description of an argument of the graph, as an annotation of the resolver's parameter."""

    text: str


class Batch(msgspec.Struct, frozen=True):
    """The annotation of a list whose items are validated one by one, so that an invalid item fails alone."""


class IdOf(msgspec.Struct, frozen=True):
    """The annotation of an id that a caller sends: the type of the thing that it identifies."""

    prefix: str = ""
    """The prefix of its TypeID; empty for a thing without an organisation, or of any type."""


MAX_PAGE = 200
DEFAULT_PAGE = 50
MAX_FILTER_VALUES = 200

Id = Annotated[str, TextLimit(100), IdOf()]
"""A TypeID: a prefix, an underscore, a UUIDv7 in base 32. The same string in the graph, in events and in logs."""
OrganisationId = Annotated[str, TextLimit(100), IdOf("org")]
SiteId = Annotated[str, TextLimit(100), IdOf("site")]
AgreementId = Annotated[str, TextLimit(100), IdOf("agreement")]
OrderId = Annotated[str, TextLimit(100), IdOf("order")]
ArticleId = Annotated[str, TextLimit(100), IdOf("article")]
ContainerId = Annotated[str, TextLimit(100), IdOf("container")]
PickupId = Annotated[str, TextLimit(100), IdOf("pickup")]
"""The id of a pickup: its UUID is a UUIDv8, which says what the pickup is of, and when or which."""
PartnerId = Annotated[str, TextLimit(100), IdOf("partner")]
TicketId = Annotated[str, TextLimit(100), IdOf("ticket")]
TicketEntryId = Annotated[str, TextLimit(100), IdOf("entry")]
FileId = Annotated[str, TextLimit(100), IdOf("file")]
KEY_LENGTH = Length(1, 200)
IdempotencyKey = Annotated[str, TextLimit(200, verbatim=True), KEY_LENGTH]
"""A key that the caller chooses for a command: a repetition with the same key is the same command."""
FieldName = Annotated[str, TextLimit(100)]
"""The GraphQL name of a field."""
SearchText = Annotated[str, TextLimit(200)]
"""The search text of a list: words in any order, of which each is found, without regard to case and accents.

A word is found anywhere in a longer one; a number, or a word of one or two characters, at its beginning alone. Signs
that are no letters or digits separate words. A text without words is no condition; one of more than 20 is MALFORMED.
"""
Cursor = Annotated[str, TextLimit(2_000, verbatim=True)]
"""A position in a list or a log; opaque to clients."""
EmailAddress = Annotated[str, TextLimit(300), TextFormat("EmailAddress")]
PhoneNumber = Annotated[str, TextLimit(100), TextFormat("PhoneNumber")]


class Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A value of a contract."""


class OneOf(Value, frozen=True, kw_only=True):
    """An input of which a caller gives exactly one field (``@oneOf``). Each field is optional, and None by default."""


class Filter(Value, frozen=True, kw_only=True):
    """The conditions that the nodes of a list meet, all of them. None in a field is no condition.

    A list names the values of which a node has one. An empty one is refused as a mistake, and so is one of more than
    ``MAX_FILTER_VALUES``.
    """


class Sorting(Value, frozen=True, kw_only=True):
    """The order of a list: a field of its nodes and a direction."""


class SortDirection(enum.Enum):
    """The direction of an order."""

    ASC = "ASC"
    """Ascending: the least value, or the earliest time, is the first."""
    DESC = "DESC"
    """Descending: the greatest value, or the latest time, is the first."""


class Outcome(Value, frozen=True, kw_only=True, tag_field="__typename", tag=True):
    """A member of an operation's result union, tagged by ``__typename``."""


class Error(Value, frozen=True, kw_only=True):
    """A reason why a call was refused, with a message for the user."""

    code: str
    """The kind of the reason, in capitals. It is stable."""
    path: list[str] = []
    """The way to the input with the problem, from outside to inside; an index of a list is a number in text. Empty if
    it concerns no single input.
    """
    retryable: bool = False
    """Whether the same call may succeed a little later."""


class Problem(Error, frozen=True, kw_only=True):
    """A reason why a call was refused, to be shown to the user."""

    params: dict[str, str] = {}
    """The values that the message names, each as a text: days, numbers, limits."""


MalformedReason = Literal[
    "CHARACTERS",
    "EARLIEST",
    "EMPTY_LIST",
    "EXAMPLE",
    "LEAVE_OUT",
    "MIXED_SCRIPTS",
    "OTHER_LIST",
    "RANGE",
    "REQUIRED",
    "TOO_LONG",
    "TOO_MANY",
    "TOO_MANY_WORDS",
    "TOO_SHORT",
    "UNREADABLE",
]
"""The ``reason`` of MALFORMED: an input's formal error, for which the gateway has a message each.

Reasons with params: EARLIEST ``earliest``; EXAMPLE ``example``; RANGE ``least``, ``most``; TOO_LONG ``longest``;
TOO_MANY, TOO_MANY_WORDS ``most``; TOO_SHORT ``shortest``; UNREADABLE ``detail``, in English, for developers of clients:
no message shows it.
"""


class MutationResult(Outcome, frozen=True, kw_only=True):
    """The result of a command: its success, a refusal or a conflict."""

    problems: list[Problem] = []
    """The reasons why nothing was changed; empty after a success."""


class Refusal(MutationResult, frozen=True, kw_only=True):
    """A refused call: nothing was changed. It has at least one problem."""

    problems: list[Problem]
    """The reasons, at least one."""


class ConflictField(Value, frozen=True, kw_only=True):
    """An input that is not what the thing has now."""

    path: list[str]
    """The way to the input, from outside to inside."""
    yours: Any | None
    """The value of the input."""
    now: Any | None
    """The value that the thing has now."""


class Conflict(MutationResult, frozen=True, kw_only=True):
    """A refused change: the thing is not in the version that the caller has read. Nothing was changed."""

    thing_id: Id
    """The thing that the call was about."""
    fields: list[ConflictField]
    """The inputs that are not what the thing has now. The first one is the version."""


def conflict(thing_id: Id, *, yours: int, now: int) -> Conflict:
    """Return the conflict of a command with version ``yours`` on a thing that has version ``now``."""
    return Conflict(
        problems=[Problem(code="CONFLICT", path=["version"])],
        thing_id=thing_id,
        fields=[ConflictField(path=["version"], yours=yours, now=now)],
    )


def refuse(code: str, *path: str, retryable: bool = False, **params: object) -> Refusal:
    """Return a refusal with one problem."""
    texts = {name: str(value) for name, value in params.items()}
    return Refusal(problems=[Problem(code=code, path=list(path), params=texts, retryable=retryable)])


def malformed(*path: str, reason: MalformedReason, **params: object) -> Problem:
    """Return the problem of a malformed input."""
    texts = {name: str(value) for name, value in params.items()}
    return Problem(code="MALFORMED", path=list(path), params={"reason": reason, **texts})


def length_problem(text: str, length: Length, *path: str) -> Problem | None:
    """Return the problem of a text that is missing, too short or too long (in code points); None if it is neither."""
    if not text and length.least > 0:
        return malformed(*path, reason="REQUIRED")
    if len(text) < length.least:
        return malformed(*path, reason="TOO_SHORT", shortest=length.least)
    if len(text) > length.most:
        return malformed(*path, reason="TOO_LONG", longest=length.most)
    return None


def range_problem(number: int, allowed: Range, *path: str) -> Problem | None:
    """Return the problem of a number that is too small or too great; None if it is neither."""
    if allowed.least <= number <= allowed.most:
        return None
    return malformed(*path, reason="RANGE", least=allowed.least, most=allowed.most)


class Money(Value, frozen=True, kw_only=True):
    """An amount of money."""

    minor: int
    """The amount excluding VAT, in the currency's minor unit (cents of EUR)."""
    currency: str
    """The currency's code (ISO 4217)."""
    vat_rate: int
    """The VAT to be added, in tenths of a per cent: 255 is 25.5 %."""
    gross: int
    """The amount including VAT, in the currency's minor unit; half a unit is rounded up."""

    @classmethod
    def net(cls, minor: int, currency: str, vat_rate: int) -> "Money":
        """Return an amount excluding VAT, with its gross amount."""
        return cls(minor=minor, currency=currency, vat_rate=vat_rate, gross=(minor * (1000 + vat_rate) + 500) // 1000)


class PageInfo(Value, frozen=True, kw_only=True):
    """Information on a page (GraphQL Cursor Connections, section 5)."""

    has_next_page: bool
    """Whether nodes follow the page."""
    has_previous_page: bool
    """Whether nodes precede the page."""
    start_cursor: str | None
    """The cursor of the page's first node; None if the page is empty."""
    end_cursor: str | None
    """The cursor of the page's last node; None if the page is empty."""
    updated_until: str | None = None
    """The token for ``updatedAfter`` of the next look at the list. Only the page at the beginning has it, that without
    ``after`` and ``before``: it holds for the pages that follow. None for the others, and for lists without
    ``updatedAfter``."""


Node = TypeVar("Node")


class Edge(Value, Generic[Node], frozen=True, kw_only=True):
    """A node of a list and its cursor."""

    cursor: str
    """The position of the node: ``after`` it begins the next page. Opaque."""
    node: Node
    """The node."""


class Connection(Value, Generic[Node], frozen=True, kw_only=True):
    """A page of a list."""

    edges: list[Edge[Node]]
    """The nodes of the page with their cursors, in the order of the list."""
    page_info: PageInfo
    """The position of the page in the list."""
    removed: list[Id] = []
    """With ``updatedAfter``: the ids of nodes that were in the list perhaps and are not in it now. Only the page at the
    beginning has them."""
    total_count: int | UnsetType = UNSET
    """The number of nodes in the whole filtered list. Counting takes time: it is done only if this is selected."""


class Page(Value, frozen=True, kw_only=True):
    """The requested part of a list: its first nodes, or its last ones."""

    first: Annotated[int | None, Range(0, MAX_PAGE)] = None
    """The number of nodes from the beginning, or ``after`` a cursor, at most; None with ``last``, otherwise 50."""
    after: Cursor | None = None
    """The cursor before the first node; None for the list's beginning. It is valid for one list, order and filter only;
    otherwise MALFORMED."""
    last: Annotated[int | None, Range(0, MAX_PAGE)] = None
    """The number of nodes from the end, or ``before`` a cursor, at most, in the list's order. Not with ``first``."""
    before: Cursor | None = None
    """The cursor behind the last node; None for the list's end. It needs ``last``, and is valid as ``after`` is."""
    updated_after: Cursor | None = None
    """The ``updatedUntil`` of an earlier page: the nodes that have been added or changed since then alone, and in
    ``removed`` those that have left the list; None: all nodes. It is valid for one list and filter, in any order, for
    90 days. READ_ANEW if it can't say any more what has changed, as after a change of the caller's access: read the
    whole list then."""
    updates: bool = True
    """Whether to make a token for a later look."""
    total: bool = True
    """Whether to count the whole list, which takes time in proportion to its length."""
