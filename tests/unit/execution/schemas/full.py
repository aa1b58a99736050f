"""Schema with every feature of the type system, over values that are wrong in every way."""

import datetime as dt
import decimal
import inspect
import uuid
from collections.abc import Awaitable, Iterator
from typing import Annotated, Any, Union, cast

import strawberry
from strawberry.permission import BasePermission

from gateway.execution.completion.compiler import CHECKS_CLASS_ONLY
from gateway.execution.documents import DocumentCache, DocumentCacheExtension
from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema
from tests.unit.execution.schemas.full_values import VALUES, Broken, Color, LeafThing, Size, Thing, branch, leaf


def _branch(thing: Any, name: str) -> "Branch":
    return cast("Branch", branch(thing, name))


@strawberry.interface
class Node:
    """An interface."""

    id: strawberry.ID


@strawberry.interface
class Named(Node):
    """An interface of an interface."""

    text: str | None


def _is_leaf(value: Any, _: Any) -> bool:
    return isinstance(value, LeafThing)


setattr(_is_leaf, CHECKS_CLASS_ONLY, True)


@strawberry.type
class Leaf(Named):
    """A type whose ``is_type_of`` checks the class alone."""

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
        """A resolver, called with any attribute value."""
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
    """A OneOf input."""

    name: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


async def _batched(parents: list[Any], info: Any, count: int = 2) -> list[Any]:
    """Leaves by batch: some parents' values are wrong, and some calls fail for all parents."""
    root = Thing("Query", parents[0].seed.partition(".")[0], parents[0].wrong)
    if root.dice("batch", 1000) < root.wrong:
        raise Broken("the whole batch")
    made: list[Any] = []
    for parent in parents:
        value = [leaf(parent, f"batched{index}") for index in range(max(0, min(count, 3)))]
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
    """A type with fields of every kind."""

    @classmethod
    def is_type_of(cls, value: Any, _: Any) -> bool:
        """Check the value, not its class."""
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
        """An asynchronous resolver of a non-null field, which fails now and then."""
        value = VALUES["must_branch"](cast(Thing, self), "must_slow")
        made: Branch = await value if isinstance(value, Awaitable) else value
        return made

    @strawberry.field(permission_classes=[NotOnRed])  # type: ignore[untyped-decorator]
    def guarded(self) -> str | None:
        """A field with a permission."""
        return "you may"

    @strawberry.field
    def place(self, info: strawberry.Info) -> str:
        """The path of the field."""
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
        """The arguments."""
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
        """Asynchronous and non-null."""
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
                yield leaf(self, f"generated{index}")  # type: ignore[arg-type]

        return leaves()  # type: ignore[return-value]

    leaf: Leaf | None
    anything: Annotated[Branch | Leaf, strawberry.union("Anything")] | None


@strawberry.type
class Mutation:
    """Mutations that append to a list of the context, which shows the order of effects."""

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


class SingleLoader:
    """A loader that loads parent by parent, for an executor without batches."""

    def load(self, declared: Any, parent: Any, info: Any, arguments: dict[str, Any]) -> Awaitable[Any]:
        """Call the batch with one parent."""

        async def one() -> Any:
            (value,) = await declared.resolve([parent], info, **arguments)
            if isinstance(value, Exception):
                raise value
            return value

        return one()


class FullContext:
    """The context of resolvers."""

    def __init__(self) -> None:
        self.loader = SingleLoader()
        self.added: list[str] = []


class Schema(strawberry.Schema):
    """A schema that does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


class Planned(PlanningSchema):
    """The same, executed by plans."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


_document_cache = DocumentCache()
SCHEMA = Schema(Query, Mutation, types=[Leaf, Branch], extensions=[lambda: DocumentCacheExtension(_document_cache)])
PLANNED: Planned = Planned(
    Query, Mutation, types=[Leaf, Branch], extensions=[lambda: DocumentCacheExtension(PLANNED.engine.documents)]
)
