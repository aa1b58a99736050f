"""Awaitables of a class that knows ``together`` are awaited with their like, level by level; others as ever."""

import asyncio
from collections.abc import Awaitable, Generator, Sequence
from typing import Any

import pytest
import strawberry

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema


class Broken(Exception):
    """One of several that failed."""


class QuestionBroker:
    """Where questions are answered: ``rounds`` are those that came together, ``never`` keeps everyone waiting."""

    def __init__(self, *, fails: bool = False, never: bool = False) -> None:
        self.rounds: list[list[str]] = []
        self.fails = fails
        self.never = never
        self.asked = asyncio.Event()


class BatchedQuestion:
    """Answers with its own name; one that is called "broken" fails."""

    def __init__(self, desk: QuestionBroker, name: str, times: int | None = None) -> None:
        self.desk = desk
        self.name = name
        self.times = times

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("it was awaited alone")

    @staticmethod
    async def await_batch(several: Sequence["BatchedQuestion"]) -> Sequence[Any]:
        desk = several[0].desk
        desk.rounds.append([one.name for one in several])
        desk.asked.set()
        if desk.never:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        if desk.fails:
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
        """Alone."""
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


async def asked(text: str, desk: QuestionBroker) -> tuple[Any, list[str]]:
    """The answer, and the messages of its errors."""
    result = await SCHEMA.execute(text, context_value=desk)
    return result.data, [error.message for error in result.errors or ()]


async def test_what_is_called_together_and_is_no_awaitable_is_a_value() -> None:
    @strawberry.type
    class Pair:
        together: str

    @strawberry.type
    class Pairs:
        @strawberry.field
        def pair(self) -> Pair:
            """Has a field of that name."""
            return Pair(together="both")

        @strawberry.field
        def pairs(self) -> list[Pair]:
            """Several."""
            return [Pair(together="both"), Pair(together="all")]

    result = await PlanningSchema(Pairs).execute("{ pair { together } pairs { together } }")
    assert result.data == {"pair": {"together": "both"}, "pairs": [{"together": "both"}, {"together": "all"}]}


async def test_one_is_awaited_by_itself() -> None:
    desk = QuestionBroker()
    assert await asked("{ one }", desk) == ({"one": "one"}, [])
    assert desk.rounds == [["one"]]


async def test_fields_of_the_root_are_awaited_together() -> None:
    desk = QuestionBroker()
    assert await asked("{ one again: one broken }", desk) == (
        {"one": "one", "again": "one", "broken": None},
        ["this one"],
    )
    assert desk.rounds == [["one", "one", "broken"]]


async def test_fields_of_a_level_are_awaited_together_and_others_beside_them() -> None:
    desk = QuestionBroker()
    data, errors = await asked("{ parts { word later other atOnce called part { word called } } }", desk)
    assert errors == []
    below = {"word": "word", "called": "called"}
    part = {
        "word": "word", "later": "later", "other": "other", "atOnce": "at once", "called": "called", "part": below,
    }  # fmt: skip
    assert data == {"parts": [part, part]}
    assert list(data["parts"][0]) == list(part)
    assert desk.rounds == [["word", "other", "called", "called"], ["word", "called", "called"]]


async def test_one_that_fails_costs_its_own_field_only() -> None:
    desk = QuestionBroker()
    data, errors = await asked('{ parts { word(name: "broken") other called(name: "broken") } }', desk)
    assert data == {"parts": [{"word": None, "other": "other", "called": None}] * 2}
    assert errors == ["this one"] * 4


async def test_if_the_way_fails_all_have_failed() -> None:
    data, errors = await asked("{ one parts { word } }", QuestionBroker(fails=True))
    assert (data, errors) == ({"one": None, "parts": [{"word": None}] * 2}, ["all of them"] * 3)


@pytest.mark.parametrize("text", ["{ one }", "{ one again: one }", "{ parts { word later other } }"])
async def test_who_gives_up_leaves_nothing_behind(text: str) -> None:
    desk = QuestionBroker(never=True)
    asking = asyncio.ensure_future(SCHEMA.execute(text, context_value=desk))
    await desk.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(asyncio.all_tasks()) == 1
