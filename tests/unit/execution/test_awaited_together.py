"""Awaitables of a class that knows ``together`` are awaited with their like, level by level; others as ever."""

import asyncio
from collections.abc import Awaitable, Generator, Iterable, Sequence
from typing import Any

import msgspec
import pytest
import strawberry
from graphql import parse

from gateway.execution import pushing
from gateway.execution.batch import batch
from gateway.execution.planning_schema import PlanningSchema
from services.chassis.rpc import round_trip
from services.chassis.rpc.undecoded import Form, Undecoded, UndecodedTogether


class Broken(Exception):
    """One of several that failed."""


class Desk:
    """Where questions are answered: ``rounds`` are those that came together, ``never`` keeps everyone waiting."""

    def __init__(self, *, fails: bool = False, never: bool = False) -> None:
        self.rounds: list[list[str]] = []
        self.fails = fails
        self.never = never
        self.asked = asyncio.Event()


class Question:
    """Answers with its own name; one that is called "broken" fails."""

    def __init__(self, desk: Desk, name: str, times: int | None = None) -> None:
        self.desk = desk
        self.name = name
        self.times = times

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("it was awaited alone")

    @staticmethod
    async def together(several: Sequence["Question"]) -> Sequence[Any]:
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
    question: Any = Question(info.context, name, len(parents))
    return question  # type: ignore[no-any-return]


def _other(parents: list[Any], info: strawberry.Info) -> Awaitable[list[str | None]]:
    question: Any = Question(info.context, "other", len(parents))
    return question  # type: ignore[no-any-return]


async def _later(parents: list[Any], info: strawberry.Info) -> list[str | None]:
    await asyncio.sleep(0)
    return ["later"] * len(parents)


def _at_once(parents: list[Any], info: strawberry.Info) -> Awaitable[list[str | None]]:
    return ["at once"] * len(parents)  # type: ignore[return-value]


def _called(info: strawberry.Info, name: str = "called") -> str | None:
    question: Any = Question(info.context, name)
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
        question: Any = Question(info.context, "one")
        return question  # type: ignore[no-any-return]

    @strawberry.field
    def broken(self, info: strawberry.Info) -> str | None:
        """Fails."""
        question: Any = Question(info.context, "broken")
        return question  # type: ignore[no-any-return]

    @strawberry.field
    def parts(self) -> list[Part]:
        """At once."""
        return [Part(name="a"), Part(name="b")]


SCHEMA = PlanningSchema(Query)


async def asked(text: str, desk: Desk) -> tuple[Any, list[str]]:
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
    desk = Desk()
    assert await asked("{ one }", desk) == ({"one": "one"}, [])
    assert desk.rounds == [["one"]]


async def test_fields_of_the_root_are_awaited_together() -> None:
    desk = Desk()
    assert await asked("{ one again: one broken }", desk) == (
        {"one": "one", "again": "one", "broken": None},
        ["this one"],
    )
    assert desk.rounds == [["one", "one", "broken"]]


async def test_fields_of_a_level_are_awaited_together_and_others_beside_them() -> None:
    desk = Desk()
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
    desk = Desk()
    data, errors = await asked('{ parts { word(name: "broken") other called(name: "broken") } }', desk)
    assert data == {"parts": [{"word": None, "other": "other", "called": None}] * 2}
    assert errors == ["this one"] * 4


async def test_if_the_way_fails_all_have_failed() -> None:
    data, errors = await asked("{ one parts { word } }", Desk(fails=True))
    assert (data, errors) == ({"one": None, "parts": [{"word": None}] * 2}, ["all of them"] * 3)


@pytest.mark.parametrize("text", ["{ one }", "{ one again: one }", "{ parts { word later other } }"])
async def test_who_gives_up_leaves_nothing_behind(text: str) -> None:
    desk = Desk(never=True)
    asking = asyncio.ensure_future(SCHEMA.execute(text, context_value=desk))
    await desk.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(asyncio.all_tasks()) == 1


class Sent(msgspec.Struct, rename="camel"):
    """What a service declares that it sends."""

    name: str
    long_name: str = "long"


class Reads:
    """A service that answers several reads with one text. ``answers`` are their statuses and results, by name."""

    def __init__(self, **answers: tuple[int, Any]) -> None:
        self.answers = answers
        self.taken_apart = 0


class Read:
    """One of its reads."""

    def __init__(self, reads: Reads, name: str, kind: Any) -> None:
        self.reads = reads
        self.name = name
        self.kind = kind

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("it was awaited alone")

    @staticmethod
    async def together(several: Sequence["Read"]) -> Iterable[Any]:
        reads = several[0].reads
        answers = [reads.answers[one.name] for one in several]

        def apart(*_: object) -> Sequence[Any]:
            reads.taken_apart += 1
            return [
                Undecoded(msgspec.json.encode(answer), one.kind) if status == 200 else Broken(one.name)
                for one, (status, answer) in zip(several, answers, strict=True)
            ]

        await asyncio.sleep(0)
        if len(several) == 1 and answers[0][0] == 200:  # nothing stands around it
            alone = Form(lambda types, _: types[0], apart, framed=False)
            return UndecodedTogether(msgspec.json.encode(answers[0][1]), alone, several, (False,))
        form, nothing = Form(round_trip.whole, apart, framed=True), (False,) * len(several)
        return UndecodedTogether(msgspec.json.encode(answers), form, several, nothing)


def _friends(parents: list[Any], info: strawberry.Info) -> Awaitable[list["Friend | None"]]:
    return Read(info.context, "friends", list[Sent | None])


def _counts(parents: list[Any], info: strawberry.Info) -> Awaitable[list[int | None]]:
    return Read(info.context, "counts", list[int])


@strawberry.type
class Friend:
    name: str
    long_name: str


@strawberry.type
class Person:
    name: str
    friend = batch(_friends, graphql_type=Friend | None, needs=["name"])
    count = batch(_counts, graphql_type=int | None, needs=["name"])


@strawberry.type
class People:
    @strawberry.field
    def people(self, info: strawberry.Info) -> list[Person] | None:
        """A list that is read."""
        return Read(info.context, "people", list[Sent])  # type: ignore[return-value]

    @strawberry.field
    def boss(self, info: strawberry.Info, who: str = "boss") -> Person | None:
        """One that is read."""
        return Read(info.context, who, Sent | None)  # type: ignore[return-value]


PEOPLE = PlanningSchema(People)
ALL = "{ boss { name } people { name friend { name longName } count } }"
TWO = [{"name": "a"}, {"name": "b"}]
FRIENDS = [{"name": "x", "longName": "xx"}, None]


async def read(text: str, reads: Reads) -> tuple[Any, list[str]]:
    """The answer as it is written, and the messages of its errors."""
    result = await PEOPLE.execute(text, context_value=reads)
    return msgspec.json.decode(msgspec.json.encode(result.data)), [error.message for error in result.errors or ()]


def all_well(**other: tuple[int, Any]) -> Reads:
    answers = {"boss": (200, {"name": "c"}), "people": (200, TWO), "friends": (200, FRIENDS), "counts": (200, [1, 2])}
    return Reads(**(answers | other))


async def test_what_comes_as_one_is_read_as_one() -> None:
    reads = all_well()
    data, errors = await read(ALL, reads)
    assert errors == []
    assert data == {
        "boss": {"name": "c"},
        "people": [
            {"name": "a", "friend": {"name": "x", "longName": "xx"}, "count": 1},
            {"name": "b", "friend": None, "count": 2},
        ],
    }
    assert list(data["people"][0]) == ["name", "friend", "count"]
    assert reads.taken_apart == 0


@pytest.mark.parametrize(
    ("text", "other", "expected", "errors"),
    [
        # A failure among them.
        (ALL, {"counts": (503, None)}, [({"name": "x", "longName": "xx"}, None), (None, None)], ["counts"] * 2),
        (ALL, {"friends": (503, None), "counts": (403, None)}, [(None, None)] * 2, ["friends", "counts"] * 2),
        # Not one for each parent.
        (
            ALL,
            {"counts": (200, [1])},
            [({"name": "x", "longName": "xx"}, None), (None, None)],
            ["_counts: 1 values for 2 parents"] * 2,
        ),
        # Not as declared: msgspec's own words.
        (
            ALL,
            {"counts": (200, [1, "two"])},
            [({"name": "x", "longName": "xx"}, None), (None, None)],
            ["Expected `int`, got `str` - at `$[1]`"] * 2,
        ),
        # One of them can't be read as it was selected: an alias.
        (
            "{ boss { name } people { name friend { name longName: name } count } }",
            {},
            [({"name": "x", "longName": "x"}, 1), (None, 2)],
            [],
        ),
    ],
)
async def test_what_cannot_be_read_as_one_is_taken_apart(
    text: str, other: dict[str, tuple[int, Any]], expected: list[Any], errors: list[str]
) -> None:
    reads = all_well(**other)
    data, told = await read(text, reads)
    assert [(one["friend"], one["count"]) for one in data["people"]] == expected
    assert sorted(told) == sorted(errors)
    assert reads.taken_apart == 1, "the level below alone"


FRIENDLY = "{ people { friend { name } } }"


@pytest.mark.parametrize(
    ("friends", "expected", "errors"),
    [
        ((200, FRIENDS), ["x", None], []),
        ((503, None), [None, None], ["friends"] * 2),
        ((200, [None]), [None, None], ["_friends: 1 values for 2 parents"] * 2),
        ((200, [None, {}]), [None, None], ["Object missing required field `name` - at `$[1]`"] * 2),
    ],
)
async def test_so_is_what_comes_alone(friends: tuple[int, Any], expected: list[str | None], errors: list[str]) -> None:
    reads = all_well(friends=friends)
    data, told = await read(FRIENDLY, reads)
    assert [one["friend"] and one["friend"]["name"] for one in data["people"]] == expected
    assert told == errors
    assert reads.taken_apart == bool(errors)


async def test_a_failure_at_the_root_takes_the_root_apart() -> None:
    reads = all_well(boss=(403, None))
    data, errors = await read(ALL, reads)
    assert (data["boss"], len(data["people"]), errors) == (None, 2, ["boss"])
    assert reads.taken_apart == 1


async def test_what_was_read_as_one_is_kept_in_bounds() -> None:
    """Which fields of a level are asked for depends on what is null above: nothing grows with that."""
    names = [f"p{number}" for number in range(6)]
    text = "{ " + " ".join(f'{name}: boss(who: "{name}") {{ name count }}' for name in names) + " }"
    for pattern in range(2 ** len(names)):
        there = {name: bool(pattern >> place & 1) for place, name in enumerate(names)}
        reads = Reads(
            **{name: (200, {"name": name} if one else None) for name, one in there.items()}, counts=(200, [7])
        )
        data, errors = await read(text, reads)
        assert (data, errors) == (
            {name: {"name": name, "count": 7} if one else None for name, one in there.items()},
            [],
        )
        assert reads.taken_apart == 0
    document = PEOPLE.engine.documents.of(parse(text))
    (plan,) = document.plans.values()
    steps = [*plan.steps, *(below for step in plan.steps for below in step.steps)]
    assert max(len(step.takes) for step in steps) <= pushing._MOST_KEPT
