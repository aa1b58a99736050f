"""What comes for the steps of a level as one text is read and taken in one go; else it is taken apart."""

import asyncio
from collections.abc import Awaitable, Generator, Iterable, Sequence
from typing import Any

import msgspec
import pytest
import strawberry
from graphql import parse

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.projection import application
from gateway.execution.strawberry.schema import PlanningSchema
from services.chassis.rpc import batch_protocol
from services.chassis.rpc.raw_result import RawBatchResult, RawResult, ResultFraming


class Broken(Exception):
    """One of several that failed."""


class Sent(msgspec.Struct, rename="camel"):
    """What a service declares that it sends."""

    name: str
    long_name: str = "long"


class BatchService:
    """A service that answers several reads with one text. ``answers`` are their statuses and results, by name."""

    def __init__(self, **answers: tuple[int, Any]) -> None:
        self.answers = answers
        self.taken_apart = 0


class BatchedRead:
    """One of its reads."""

    def __init__(self, reads: BatchService, name: str, kind: Any) -> None:
        self.reads = reads
        self.name = name
        self.kind = kind

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("it was awaited alone")

    @staticmethod
    async def await_batch(several: Sequence["BatchedRead"]) -> Iterable[Any]:
        reads = several[0].reads
        answers = [reads.answers[one.name] for one in several]

        def apart(*_: object) -> Sequence[Any]:
            reads.taken_apart += 1
            return [
                RawResult(msgspec.json.encode(answer), one.kind) if status == 200 else Broken(one.name)
                for one, (status, answer) in zip(several, answers, strict=True)
            ]

        await asyncio.sleep(0)
        if len(several) == 1 and answers[0][0] == 200:  # nothing stands around it
            alone = ResultFraming(lambda types, _: types[0], apart, has_statuses=False)
            return RawBatchResult(msgspec.json.encode(answers[0][1]), alone, several, (False,))
        form, nothing = ResultFraming(batch_protocol.response_type, apart, has_statuses=True), (False,) * len(several)
        return RawBatchResult(msgspec.json.encode(answers), form, several, nothing)


def _friends(parents: list[Any], info: strawberry.Info) -> Awaitable[list["Friend | None"]]:
    return BatchedRead(info.context, "friends", list[Sent | None])


def _counts(parents: list[Any], info: strawberry.Info) -> Awaitable[list[int | None]]:
    return BatchedRead(info.context, "counts", list[int])


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
        return BatchedRead(info.context, "people", list[Sent])  # type: ignore[return-value]

    @strawberry.field
    def boss(self, info: strawberry.Info, who: str = "boss") -> Person | None:
        """One that is read."""
        return BatchedRead(info.context, who, Sent | None)  # type: ignore[return-value]


PEOPLE = PlanningSchema(People)
ALL = "{ boss { name } people { name friend { name longName } count } }"
TWO = [{"name": "a"}, {"name": "b"}]
FRIENDS = [{"name": "x", "longName": "xx"}, None]


async def read(text: str, reads: BatchService) -> tuple[Any, list[str]]:
    """The answer as it is written, and the messages of its errors."""
    result = await PEOPLE.execute(text, context_value=reads)
    return msgspec.json.decode(msgspec.json.encode(result.data)), [error.message for error in result.errors or ()]


def all_well(**other: tuple[int, Any]) -> BatchService:
    answers = {"boss": (200, {"name": "c"}), "people": (200, TWO), "friends": (200, FRIENDS), "counts": (200, [1, 2])}
    return BatchService(**(answers | other))


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
        reads = BatchService(
            **{name: (200, {"name": name} if one else None) for name, one in there.items()}, counts=(200, [7])
        )
        data, errors = await read(text, reads)
        assert (data, errors) == (
            {name: {"name": name, "count": 7} if one else None for name, one in there.items()},
            [],
        )
        assert reads.taken_apart == 0
    document = PEOPLE.engine.documents.get_or_add(parse(text))
    (plan,) = document.plans.values()
    steps = [*plan.steps, *(below for step in plan.steps for below in step.steps)]
    assert max(len(step.level_decoders) for step in steps) <= application._MAX_LEVEL_DECODERS
