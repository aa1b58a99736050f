"""Awaitables of a class with ``await_batch`` are awaited in one call a level; others one by one."""

import asyncio
from collections.abc import Awaitable, Generator, Sequence
from typing import Any

import pytest
import strawberry

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema


class Broken(Exception):
    """The failure of one awaitable."""


class QuestionServer:
    """The server of questions: ``batches`` records them; with ``never`` it does not answer."""

    def __init__(self, *, fails: bool = False, never: bool = False) -> None:
        self.batches: list[list[str]] = []
        self.fails = fails
        self.never = never
        self.execute = asyncio.Event()


class BatchedQuestion:
    """An awaitable of its own name; the name "broken" fails."""

    def __init__(self, server: QuestionServer, name: str, times: int | None = None) -> None:
        self.server = server
        self.name = name
        self.times = times

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("it was awaited by itself")

    @staticmethod
    async def await_batch(several: Sequence["BatchedQuestion"]) -> Sequence[Any]:
        server = several[0].server
        server.batches.append([one.name for one in several])
        server.execute.set()
        if server.never:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if server.fails:
            raise Broken("all of them")
        return [one._answer() for one in several]

    def _answer(self) -> Any:
        if self.name == "broken":
            return Broken("this one")
        return self.name if self.times is None else [self.name] * self.times


def _word(parents: list[Any], info: strawberry.Info, name: str = "word") -> Awaitable[list[str | None]]:
    question: Any = BatchedQuestion(info.context, name, len(parents))
    return question  # type: ignore[no-any-return]


def _other(parents: list[Any], info: strawberry.Info) -> Awaitable[list[str | None]]:
    question: Any = BatchedQuestion(info.context, "other", len(parents))
    return question  # type: ignore[no-any-return]


async def _later(parents: list[Any], info: strawberry.Info) -> list[str | None]:
    await asyncio.sleep(0)
    return ["later"] * len(parents)


def _at_once(parents: list[Any], info: strawberry.Info) -> Awaitable[list[str | None]]:
    return ["at once"] * len(parents)  # type: ignore[return-value]


def _called(info: strawberry.Info, name: str = "called") -> str | None:
    question: Any = BatchedQuestion(info.context, name)
    return question  # type: ignore[no-any-return]


@strawberry.type
class Below:
    name: str
    word = batch(_word, graphql_type=str | None)
    called: str | None = strawberry.field(resolver=_called)


async def _below(parents: list[Any], info: strawberry.Info) -> list[Below]:
    return [Below(name="below") for _ in parents]


@strawberry.type
class Part:
    name: str
    word = batch(_word, graphql_type=str | None)
    other = batch(_other, graphql_type=str | None)
    later = batch(_later, graphql_type=str | None)
    at_once = batch(_at_once, graphql_type=str | None)
    part = batch(_below, graphql_type=Below)
    called: str | None = strawberry.field(resolver=_called)


@strawberry.type
class Query:
    @strawberry.field
    def one(self, info: strawberry.Info) -> str | None:
        """One awaitable."""
        question: Any = BatchedQuestion(info.context, "one")
        return question  # type: ignore[no-any-return]

    @strawberry.field
    def broken(self, info: strawberry.Info) -> str | None:
        """Fails."""
        question: Any = BatchedQuestion(info.context, "broken")
        return question  # type: ignore[no-any-return]

    @strawberry.field
    def parts(self) -> list[Part]:
        """At once."""
        return [Part(name="a"), Part(name="b")]


SCHEMA = PlanningSchema(Query)


async def execute(text: str, server: QuestionServer) -> tuple[Any, list[str]]:
    """Return the data and the messages of the errors."""
    result = await SCHEMA.execute(text, context_value=server)
    return result.data, [error.message for error in result.errors or ()]


async def test_a_value_with_a_field_named_await_batch_is_not_awaited() -> None:
    @strawberry.type
    class Pair:
        await_batch: str

    @strawberry.type
    class Pairs:
        @strawberry.field
        def pair(self) -> Pair:
            """One value."""
            return Pair(await_batch="both")

        @strawberry.field
        def pairs(self) -> list[Pair]:
            """Several."""
            return [Pair(await_batch="both"), Pair(await_batch="all")]

    result = await PlanningSchema(Pairs).execute("{ pair { awaitBatch } pairs { awaitBatch } }")
    assert result.data == {
        "pair": {"awaitBatch": "both"},
        "pairs": [{"awaitBatch": "both"}, {"awaitBatch": "all"}],
    }


async def test_a_single_awaitable_is_a_batch_of_one() -> None:
    server = QuestionServer()
    assert await execute("{ one }", server) == ({"one": "one"}, [])
    assert server.batches == [["one"]]


async def test_root_fields_share_a_batch() -> None:
    server = QuestionServer()
    assert await execute("{ one again: one broken }", server) == (
        {"one": "one", "again": "one", "broken": None},
        ["this one"],
    )
    assert server.batches == [["one", "one", "broken"]]


async def test_fields_of_a_level_share_a_batch_beside_other_awaitables() -> None:
    server = QuestionServer()
    data, errors = await execute("{ parts { word later other atOnce called part { word called } } }", server)
    assert errors == []
    below = {"word": "word", "called": "called"}
    part = {
        "word": "word", "later": "later", "other": "other", "atOnce": "at once", "called": "called", "part": below,
    }  # fmt: skip
    assert data == {"parts": [part, part]}
    assert list(data["parts"][0]) == list(part)
    assert server.batches == [["word", "other", "called", "called"], ["word", "called", "called"]]


async def test_a_failure_nulls_only_its_own_field() -> None:
    server = QuestionServer()
    data, errors = await execute('{ parts { word(name: "broken") other called(name: "broken") } }', server)
    assert data == {"parts": [{"word": None, "other": "other", "called": None}] * 2}
    assert errors == ["this one"] * 4


async def test_a_failing_batch_fails_all_its_fields() -> None:
    data, errors = await execute("{ one parts { word } }", QuestionServer(fails=True))
    assert (data, errors) == ({"one": None, "parts": [{"word": None}] * 2}, ["all of them"] * 3)


@pytest.mark.parametrize("text", ["{ one }", "{ one again: one }", "{ parts { word later other } }"])
async def test_cancellation_leaves_no_task(text: str) -> None:
    server = QuestionServer(never=True)
    execution = asyncio.ensure_future(SCHEMA.execute(text, context_value=server))
    await server.execute.wait()
    execution.cancel()
    with pytest.raises(asyncio.CancelledError):
        await execution
    assert len(asyncio.all_tasks()) == 1
