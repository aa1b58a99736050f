"""A schema with every feature of the type system, and data that is wrong in every way: the same for whoever asks.

Values follow from a seed and the place at which they are asked for, so two executors meet the same nulls, exceptions,
awaitables and values of wrong types.
"""

import asyncio
import datetime as dt
import decimal
import enum
import hashlib
import inspect
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Annotated, Any, Union, cast

import strawberry
from strawberry.permission import BasePermission

from gateway.execution.batch import batch
from gateway.execution.completion import BY_CLASS
from gateway.execution.documents import Documents, KnownDocuments
from gateway.execution.planning_schema import PlanningSchema


class Broken(Exception):
    """What a broken attribute or resolver raises."""


@strawberry.enum
class Color(enum.Enum):
    RED = "red"
    GREEN = "green"
    BLUE = 3


@strawberry.enum
class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Odd:
    """A value that nothing can be made of but its name."""

    def __repr__(self) -> str:
        return "odd"


class Thing:
    """A value whose attributes follow from its seed. Of a thousand, ``wrong`` are not what they should be."""

    def __init__(self, kind: str, seed: str, wrong: int) -> None:
        self.kind = kind
        self.seed = seed
        self.wrong = wrong

    def dice(self, name: str, sides: int) -> int:
        """A number below ``sides`` that is always the same here."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=6).digest(), "big") % sides

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in VALUES:
            raise AttributeError(name)
        return VALUES[name](self, name)

    def thing(self, kind: str, name: str) -> "Thing":
        return Thing(kind, f"{self.seed}.{name}", self.wrong)

    def maybe_wrong(self, name: str, value: Any) -> Any:
        """The value, or something that is wrong in its place."""
        if self.dice(f"{name}?", 1000) >= self.wrong:
            return value
        return WRONG[self.dice(f"{name}!", len(WRONG))](value)


class Leafy(Thing):
    """A class of its own for the types that are told apart by class alone."""


class Later:
    """An awaitable: its value comes later, or its exception."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "later"

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


async def _one_by_one(value: Any) -> AsyncIterator[Any]:
    for item in value if isinstance(value, list) else [value]:
        yield item


def _raises(_: Any) -> Any:
    raise Broken("attribute")


WRONG: list[Callable[[Any], Any]] = [
    lambda _: None,
    lambda _: Broken("as a value"),
    _raises,
    Later,
    lambda _: Later(None),
    lambda _: Later(Broken("later")),
    lambda value: (one for one in value) if isinstance(value, list) else Odd(),
    lambda value: tuple(value) if isinstance(value, list) else {"a": 1},
    lambda value: _one_by_one(value) if isinstance(value, list) else [value],
    lambda _: "text",
    lambda _: 1 << 40,
    lambda _: 3,
    lambda _: float("nan"),
    lambda _: True,
    lambda _: [],
    lambda value: [value, None],
]


def _scalar(make: Callable[[Thing, str], Any]) -> Callable[[Thing, str], Any]:
    return lambda thing, name: thing.maybe_wrong(name, make(thing, name))


def _several(make: Callable[[Thing, str], Any], most: int = 4) -> Callable[[Thing, str], Any]:
    def values(thing: Thing, name: str) -> Any:
        many = thing.dice(f"{name}#", most)
        return thing.maybe_wrong(
            name, [thing.maybe_wrong(f"{name}{index}", make(thing, f"{name}{index}")) for index in range(many)]
        )

    return values


def _branch(thing: Any, name: str) -> "Branch":
    return cast("Branch", thing.thing("Branch", name))


def _leaf(thing: Thing, name: str) -> Any:
    return Leafy("Leaf", f"{thing.seed}.{name}", thing.wrong)


def _any(thing: Thing, name: str) -> Any:
    return (_branch, _leaf)[thing.dice(name, 2)](thing, name)


VALUES: dict[str, Callable[[Thing, str], Any]] = {
    "id": _scalar(lambda thing, _: thing.seed),
    "text": _scalar(lambda thing, name: f"text {thing.dice(name, 9)}"),
    "number": _scalar(lambda thing, name: thing.dice(name, 100) - 50),
    "fraction": _scalar(lambda thing, name: thing.dice(name, 100) / 7),
    "flag": _scalar(lambda thing, name: thing.dice(name, 2) == 1),
    "color": _scalar(lambda thing, name: list(Color)[thing.dice(name, 3)]),
    "size": _scalar(lambda thing, name: list(Size)[thing.dice(name, 2)]),
    "day": _scalar(lambda thing, name: dt.date(2026, 1, 1 + thing.dice(name, 28))),
    "moment": _scalar(lambda thing, name: dt.datetime(2026, 3, 1 + thing.dice(name, 28), tzinfo=dt.UTC)),
    "amount": _scalar(lambda thing, name: decimal.Decimal(thing.dice(name, 1000)) / 100),
    "key": _scalar(lambda thing, name: uuid.UUID(int=thing.dice(name, 1 << 40))),
    "numbers": _several(lambda thing, name: thing.dice(name, 9)),
    "matrix": _several(lambda thing, name: [thing.dice(name, 5), thing.maybe_wrong(name + "x", 7)]),
    "must_text": _scalar(lambda thing, name: f"must {thing.dice(name, 9)}"),
    "must_number": _scalar(lambda thing, name: thing.dice(name, 9)),
    "branch": _scalar(_branch),
    "must_branch": _scalar(_branch),
    "leaf": _scalar(_leaf),
    "must_leaf": _scalar(_leaf),
    "leaves": _several(_leaf),
    "must_leaves": _several(_leaf),
    "branches": _several(_branch, 3),
    "anything": _scalar(_any),
    "either": _several(_any, 3),
    "nodes": _several(_any, 3),
    "keyword": _scalar(lambda *_: "a keyword"),
}


@strawberry.interface
class Node:
    """An interface."""

    id: strawberry.ID


@strawberry.interface
class Named(Node):
    """An interface of an interface."""

    text: str | None


def _is_leaf(value: Any, _: Any) -> bool:
    return isinstance(value, Leafy)


setattr(_is_leaf, BY_CLASS, True)


@strawberry.type
class Leaf(Named):
    """Told apart by its class alone."""

    is_type_of = staticmethod(_is_leaf)

    must_text: str
    must_number: int
    number: int | None
    fraction: float | None
    flag: bool | None
    color: Color | None
    size: Size
    day: dt.date | None
    moment: dt.datetime | None
    amount: decimal.Decimal | None
    key: uuid.UUID | None
    numbers: list[int] | None
    matrix: list[list[int] | None] | None
    keyword: str | None = strawberry.field(name="class", default=None)

    @strawberry.field
    def upper(self) -> str | None:
        """A resolver, called with whatever the attribute is."""
        return str(self.text).upper()


class NotOnRed(BasePermission):
    """A permission that depends on the parent."""

    message = "not on red"

    def has_permission(self, source: Any, info: strawberry.Info, **_: Any) -> bool:
        return bool(source.dice("red", 2))


@strawberry.input
class Point:
    """An input with a default inside."""

    x: int
    y: int = 7
    label: str | None = "here"


@strawberry.input(one_of=True)
class Which:
    """An input of which one field is given."""

    name: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


async def _batched(parents: list[Any], info: Any, count: int = 2) -> list[Any]:
    """Leaves by batch: some parents' values are wrong, some calls fail altogether, whoever they are for."""
    root = Thing("Query", parents[0].seed.partition(".")[0], parents[0].wrong)
    if root.dice("batch", 1000) < root.wrong:
        raise Broken("the whole batch")
    made: list[Any] = []
    for parent in parents:
        value = [_leaf(parent, f"batched{index}") for index in range(max(0, min(count, 3)))]
        wrong = parent.dice("batched?", 1000) < parent.wrong
        made.append(Broken("one of a batch") if wrong else value)
    return made


def _batch_field(name: str, graphql_type: Any) -> Any:
    keyword = inspect.Parameter.KEYWORD_ONLY
    made = batch(
        _batched, graphql_type=graphql_type, parameters=[inspect.Parameter("count", keyword, annotation=int, default=2)]
    )
    made.python_name = name
    return made


@strawberry.type
class Branch(Named):
    """Has everything below it."""

    @classmethod
    def is_type_of(cls, value: Any, _: Any) -> bool:
        """Depends on the value, not on its class."""
        return isinstance(value, Thing) and value.kind == "Branch"

    branch: "Branch | None"
    must_branch: "Branch"
    leaf: Leaf | None
    must_leaf: Leaf
    leaves: list[Leaf | None] | None
    must_leaves: list[Leaf]
    branches: "list[Branch]"
    nodes: list[Node | None]
    anything: Annotated[Union["Branch", Leaf], strawberry.union("Anything")] | None
    either: list[Annotated[Union["Branch", Leaf], strawberry.union("Anything")]]
    matrix: list[list[int]] | None
    batched = _batch_field("batched", list[Leaf])
    maybe_batched = _batch_field("maybe_batched", list[Leaf | None] | None)

    @strawberry.field
    async def slow(self, count: int = 1) -> "Branch | None":
        """An asynchronous resolver."""
        return _branch(self, f"slow{count}")

    @strawberry.field
    async def must_slow(self) -> "Branch":
        """An asynchronous resolver that fails now and then, where null is not allowed."""
        value = VALUES["must_branch"](cast(Thing, self), "must_slow")
        made: Branch = await value if isinstance(value, Awaitable) else value
        return made

    @strawberry.field(permission_classes=[NotOnRed])  # type: ignore[untyped-decorator]
    def guarded(self) -> str | None:
        """A field with a permission."""
        return "you may"

    @strawberry.field
    def place(self, info: strawberry.Info) -> str:
        """Where it is."""
        return ".".join(map(str, info.path.as_list()))

    @strawberry.field
    def echo(
        self,
        text: str | None = None,
        number: int = 5,
        fraction: float | None = None,
        color: Color = Color.GREEN,
        points: list[Point] | None = None,
        which: Which | None = None,
        day: dt.date | None = None,
        flag: bool | None = True,
    ) -> str:
        """Says what it was given."""
        return repr((text, number, fraction, color, points, which, day, flag))


@strawberry.type
class Query:
    """The root: its value is a Thing."""

    @strawberry.field
    def top(self) -> Branch | None:
        """Synchronous."""
        return _branch(self, "top")

    @strawberry.field
    async def must_top(self) -> Branch:
        """Asynchronous, and never null."""
        return _branch(self, "must_top")

    @strawberry.field
    async def tops(self, count: int = 2) -> list[Branch]:
        """Several."""
        return [_branch(self, f"tops{index}") for index in range(max(0, min(count, 4)))]

    @strawberry.field
    def generated(self) -> list[Leaf]:
        """A list that is a generator."""

        def leaves() -> Iterator[Any]:
            for index in range(3):
                yield _leaf(self, f"generated{index}")  # type: ignore[arg-type]

        return leaves()  # type: ignore[return-value]

    leaf: Leaf | None
    anything: Annotated[Branch | Leaf, strawberry.union("Anything")] | None


@strawberry.type
class Mutation:
    """Changes a list that the context holds, so that the order of effects shows."""

    @strawberry.mutation
    async def add(self, info: strawberry.Info, text: str) -> Branch | None:
        """Asynchronous."""
        info.context.added.append(text)
        return Thing("Branch", "/".join(info.context.added), 0)  # type: ignore[return-value]

    @strawberry.mutation
    def put(self, info: strawberry.Info, point: Point) -> int:
        """Synchronous; fails on a negative number."""
        info.context.added.append(str(point))
        if point.x < 0:
            raise Broken("negative")
        return len(info.context.added)


class Alone:
    """Loads parent by parent: for an executor that knows nothing of batches."""

    def load(self, declared: Any, parent: Any, info: Any, arguments: dict[str, Any]) -> Awaitable[Any]:
        """As a batch of one."""

        async def one() -> Any:
            (value,) = await declared.values([parent], info, **arguments)
            if isinstance(value, Exception):
                raise value
            return value

        return one()


class Context:
    """What resolvers are handed."""

    def __init__(self) -> None:
        self.loader = Alone()
        self.added: list[str] = []


class Schema(strawberry.Schema):
    """Errors are looked at by tests, not logged."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Say nothing."""


class Planned(PlanningSchema):
    """Executes by plans, and says as little."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Say nothing."""


_known = Documents()
SCHEMA = Schema(Query, Mutation, types=[Leaf, Branch], extensions=[lambda: KnownDocuments(_known)])
PLANNED: Planned = Planned(
    Query, Mutation, types=[Leaf, Branch], extensions=[lambda: KnownDocuments(PLANNED.engine.documents)]
)
