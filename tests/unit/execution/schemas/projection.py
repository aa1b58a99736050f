"""Schema whose values a service sends as JSON: those of a test, raw or decoded."""

import datetime as dt
import enum
from collections import Counter
from collections.abc import Awaitable
from typing import Annotated, Any, Union

import msgspec
import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.execution.completion.compiler import CHECKS_CLASS_ONLY
from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema
from services.chassis.rpc.raw_result import RawResult
from services.chassis.telemetry import metrics
from tests.unit.execution.field_selection_stub import SelectingCall


class Status(enum.Enum):
    """An enum with the same JSON in GraphQL."""

    OPEN = "OPEN"
    DONE = "DONE"


class Size(enum.Enum):
    """An enum with other JSON in GraphQL."""

    SMALL = "s"
    LARGE = "l"


class Cat(msgspec.Struct, tag_field="__typename", tag="Cat"):
    name: str


class Dog(msgspec.Struct, tag_field="__typename", tag="Dog"):
    name: str


class Eel(msgspec.Struct, tag_field="__typename", tag="Eel"):
    name: str


class Oak(msgspec.Struct, tag_field="kind", tag="oak"):
    height: int


class Elm(msgspec.Struct, tag_field="kind", tag="elm"):
    height: int


class Inner(msgspec.Struct):
    key: str
    word: str | None = None


class Sent(msgspec.Struct, kw_only=True):
    """The type that the service declares."""

    id: str
    count: int = 1
    natural: Annotated[int, msgspec.Meta(ge=0)] = 1
    ratio: float = 1.5
    flag: bool = True
    name: str | None = None
    must: str | None = "m"
    may: str = "m"
    day: dt.date = dt.date(2026, 3, 30)
    status: Status = Status.OPEN
    word: str = "OPEN"
    size: Size = Size.SMALL
    code: int = 7
    tags: list[str | None] = []
    pair: tuple[int, int] = (1, 2)
    inner: Inner | None = None
    inners: list[Inner] = []
    looked: Inner | None = None
    pet: Cat | Dog | None = None
    fish: Cat | Eel | None = None
    tree: Oak | Elm | None = None


def _by_class(struct: type) -> Any:
    def is_type_of(value: Any, _: Any) -> bool:
        return isinstance(value, struct)

    setattr(is_type_of, CHECKS_CLASS_ONLY, True)
    return staticmethod(is_type_of)


async def _seen(parents: list[Any], info: strawberry.Info) -> list[str | None]:
    info.context.seen.append([parent.key for parent in parents])
    return [info.context.joins.get(parent.key, f"seen {parent.key}") for parent in parents]


async def _on(parents: list[Any], info: strawberry.Info) -> list[str]:
    return [parent.day.isoformat() for parent in parents]


def _of(parents: list[Any], info: strawberry.Info) -> Awaitable[list[Inner | None]]:
    return info.context.answer(list[Inner | None])  # type: ignore[no-any-return]


@strawberry.type(name="Inner")
class GraphInner:
    word: str | None
    key: str
    seen = batch(_seen, graphql_type=str | None, needs=["key"])
    must_see = batch(_seen, graphql_type=str, needs=["key"])


def _is_looked(value: Any, _: Any) -> bool:
    return bool(value.key != "odd")


@strawberry.type(name="Looked")
class GraphLooked:
    is_type_of = staticmethod(_is_looked)
    key: str


@strawberry.type(name="Cat")
class GraphCat:
    is_type_of = _by_class(Cat)
    name: str


@strawberry.type(name="Dog")
class GraphDog:
    is_type_of = _by_class(Dog)
    name: str


@strawberry.type(name="Oak")
class GraphOak:
    is_type_of = _by_class(Oak)
    height: int


@strawberry.type(name="Elm")
class GraphElm:
    is_type_of = _by_class(Elm)
    height: int


Pet = Annotated[Union[GraphCat, GraphDog], strawberry.union("Pet")]  # noqa: UP007 - a name for it
Tree = Annotated[Union[GraphOak, GraphElm], strawberry.union("Tree")]  # noqa: UP007
GraphStatus = strawberry.enum(Status)
GraphSize = strawberry.enum(Size)


class Code:
    """A scalar with other JSON in GraphQL."""


@strawberry.type(name="Sent")
class GraphSent:
    """The GraphQL type of it."""

    id: strawberry.ID
    count: int | None
    natural: int | None
    ratio: float
    flag: bool
    name: str | None
    must: str
    may: str | None
    day: dt.date
    status: GraphStatus  # type: ignore[valid-type]
    word: GraphStatus | None  # type: ignore[valid-type]
    size: GraphSize  # type: ignore[valid-type]
    code: Code
    tags: list[str | None]
    pair: list[int]
    inner: GraphInner | None
    inners: list[GraphInner]
    looked: GraphLooked | None
    pet: Pet | None
    fish: Pet | None
    tree: Tree | None
    missing: str | None
    on = batch(_on, graphql_type=str, needs=["day"])
    of = batch(_of, graphql_type=GraphInner | None, needs=["id"])

    @strawberry.field
    def upper(self) -> str:
        """A resolver."""
        return self.may.upper()  # type: ignore[union-attr]


@strawberry.type
class Query:
    @strawberry.field
    def sent(self, info: strawberry.Info) -> GraphSent | None:
        """One."""
        return info.context.answer(info.context.kind or Sent | None)  # type: ignore[no-any-return]

    @strawberry.field
    def many(self, info: strawberry.Info) -> list[GraphSent | None]:
        """Several."""
        return info.context.answer(list[Sent | None])  # type: ignore[no-any-return]


class JsonContext:
    """The values of the service: JSON, or values to encode.

    ``passes_on``: the values are raw; ``picks``: they are restricted to the selection.
    """

    def __init__(
        self,
        *sent: Any,
        passes_on: bool,
        picks: bool = False,
        joins: dict[str, Any] | None = None,
        kind: Any = None,
    ) -> None:
        self._sent = list(sent)
        self._passes_on = passes_on
        self._picks = picks
        self.joins = joins or {}
        self.kind = kind
        self.seen: list[list[str]] = []

    def answer(self, kind: Any) -> Any:
        """Return the next value of the service."""
        value = self._sent.pop(0)
        text = value if isinstance(value, bytes) else msgspec.json.encode(value)
        answer = RawResult(text, kind)
        if self._picks:
            return SelectingCall(lambda: (_decode_as_sent(answer), text), kind)
        return answer if self._passes_on else answer.decoded()


def _decode_as_sent(answer: RawResult) -> Any:
    """Return the value of a service's JSON; for invalid JSON, a value of an undeclared type."""
    try:
        return answer.decoded()
    except msgspec.DecodeError:
        return object()


class Schema(PlanningSchema):
    """A schema that does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


SCHEMA = Schema(
    Query,
    passthrough_scalars={"Date": dt.date},
    config=StrawberryConfig(
        auto_camel_case=False,
        scalar_map={Code: strawberry.scalar(name="Code", serialize=lambda value: f"code {value}")},
    ),
)


async def execute(text: str, context: JsonContext) -> tuple[Any, list[Any], Counter[str]]:
    """Return the encoded data, the errors, and the counts of completions by path and reason."""
    before = _completion_counts()
    result = await SCHEMA.execute(text, context_value=context)
    errors = [(error.message, error.path) for error in result.errors or []]
    return msgspec.json.encode(result.data), errors, _completion_counts() - before


def _completion_counts() -> Counter[str]:
    samples = [one for metric in metrics.COMPLETIONS.collect() for one in metric.samples]
    return Counter(
        {
            ": ".join(filter(None, (one.labels["path"], one.labels["reason"]))): int(one.value)
            for one in samples
            if one.name.endswith("_total")
        }
    )
