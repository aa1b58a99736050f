"""Small schema whose values a test gives as literals, so that it can give the result as a literal, too."""

import asyncio
import datetime as dt
import enum
from types import SimpleNamespace
from typing import Annotated, Any, Union

import msgspec
import strawberry

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema
from tests.unit.execution.equivalence import no_fallback


@strawberry.enum
class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


@strawberry.interface
class Animal:
    """The interface of Cat and Dog."""

    name: str | None


@strawberry.type
class Cat(Animal):
    lives: int


@strawberry.type
class Dog(Animal):
    barks: bool


LaterIt = Annotated["It", strawberry.lazy("tests.unit.execution.schemas.literal")]
Pet = Annotated[Union[Cat, Dog], strawberry.union("Pet")]  # noqa: UP007 - a name for it


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


async def _batched(parents: list[Any], info: strawberry.Info) -> list["It | None"]:
    await asyncio.sleep(0)  # a caller that does not await this continues before it
    info.context.append(f"batch of {len(parents)}")
    return [parent.batched for parent in parents]


async def _whole(parents: list[Any], info: strawberry.Info) -> list["It | None"]:
    answer: list[It | None] = _given(info.context[0])
    return answer


@strawberry.type
class It:
    """A type with fields of every kind, whose values a test gives."""

    id: strawberry.ID | None
    text: str | None
    must: str
    number: int | None
    fraction: float | None
    flag: bool | None
    color: Color | None
    day: dt.date | None
    texts: list[str] | None
    may_texts: list[str | None] | None
    matrix: list[list[int]] | None
    loose: list[list[int | None] | None] | None
    it: "It | None"
    must_it: "It"
    its: "list[It] | None"
    may_its: "list[It | None] | None"
    animal: Animal | None
    pet: Pet | None
    pets: list[Pet] | None
    batched = batch(_batched, graphql_type=LaterIt | None)
    must_batched = batch(_batched, graphql_type=LaterIt)
    whole = batch(_whole, graphql_type=LaterIt | None)

    @strawberry.field
    def called(self) -> "It | None":
        """A resolver."""
        return _given(vars(self)["called"])  # type: ignore[no-any-return]

    @strawberry.field
    async def must_called(self) -> "It":
        """A resolver of a non-null field."""
        return _given(vars(self)["must_called"])  # type: ignore[no-any-return]

    @strawberry.field
    def place(self, info: strawberry.Info) -> str:
        """The path of the field."""
        return ".".join(map(str, info.path.as_list()))


@strawberry.input
class Point:
    x: int
    y: int | None = 7
    inner: "Point | None" = strawberry.UNSET


@strawberry.input(one_of=True)
class Which:
    name: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


@strawberry.type
class Query:
    @strawberry.field
    def it(self) -> It | None:
        """The value of the test."""
        return self  # type: ignore[return-value]

    @strawberry.field
    async def must_it(self) -> It:
        """The same, non-null."""
        return vars(self)["must_it"]  # type: ignore[no-any-return]

    @strawberry.field
    def said(
        self,
        number: int | None = strawberry.UNSET,
        seven: int = 7,
        numbers: list[int | None] | None = strawberry.UNSET,
        must_numbers: list[int] | None = strawberry.UNSET,
        point: Point | None = strawberry.UNSET,
        which: Which | None = strawberry.UNSET,
        color: Color | None = strawberry.UNSET,
        id: strawberry.ID | None = strawberry.UNSET,
        fraction: float | None = strawberry.UNSET,
        day: dt.date | None = strawberry.UNSET,
    ) -> str:
        """The arguments that were given."""
        given = {name: value for name, value in locals().items() if name != "self" and value is not strawberry.UNSET}
        return repr(given)

    @strawberry.field
    def must_be_given(self, number: int) -> int:
        """A field with a required argument."""
        return number


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def write(self, info: strawberry.Info, text: str) -> It | None:
        """A mutation that appends to the context, in the order of execution."""
        await asyncio.sleep(0)
        return _written(info, text)  # type: ignore[no-any-return]

    @strawberry.mutation
    def must_write(self, info: strawberry.Info, text: str) -> It:
        """The same, non-null."""
        return _written(info, text)  # type: ignore[no-any-return]


def _written(info: strawberry.Info, text: str) -> Any:
    info.context.append(text)
    if text == "bad":
        raise ValueError("bad")
    return it(text=text, called=it(text=f"after {text}"), batched=it(text=f"{text} batched"))


def it(**values: Any) -> Any:
    """Return a value with these fields."""
    return SimpleNamespace(**values)


class LiteralSchema(PlanningSchema):
    """A schema that does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


SCHEMA = LiteralSchema(Query, Mutation, types=[Cat, Dog])


async def execute(
    text: str, root: Any = None, /, *, context: Any = None, operation: str | None = None, **variables: Any
) -> dict[str, Any]:
    """Return ``data`` as JSON has it, and ``errors``, if any, as (message, path)."""
    with no_fallback() as planned:
        result = await SCHEMA.execute(
            text, variables, context_value=[] if context is None else context, root_value=root, operation_name=operation
        )
        assert planned() <= 1
    answer = {"data": msgspec.json.decode(msgspec.json.encode(result.data))}
    if result.errors:
        answer["errors"] = [(one.message, one.path) for one in result.errors]
    return answer


async def ask_it(text: str, /, **values: Any) -> dict[str, Any]:
    """Execute a selection on an ``it`` with these values, below a resolver, so that compiled code completes them."""
    return await execute(f"{{ it {{ {text} }} }}", it(**values))
