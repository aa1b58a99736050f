"""One text with the values of a level's steps is decoded at once if it can be; else it is split."""

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
    """The failure of one read."""


class Sent(msgspec.Struct, rename="camel"):
    """The type that the service declares."""

    name: str
    long_name: str = "long"


class BatchService:
    """A service that answers several reads with one text. ``answers``: their statuses and results, by name."""

    def __init__(self, **answers: tuple[int, Any]) -> None:
        self.answers = answers
        self.splits = 0


class BatchedRead:
    """One read of the service."""

    def __init__(self, reads: BatchService, name: str, kind: Any) -> None:
        self.reads = reads
        self.name = name
        self.kind = kind

    def __await__(self) -> Generator[Any, Any, Any]:
        raise AssertionError("it was awaited by itself")

    @staticmethod
    async def await_batch(several: Sequence["BatchedRead"]) -> Iterable[Any]:
        reads = several[0].reads
        answers = [reads.answers[one.name] for one in several]

        def split(*_: object) -> Sequence[Any]:
            reads.splits += 1
            return [
                RawResult(msgspec.json.encode(answer), one.kind) if status == 200 else Broken(one.name)
                for one, (status, answer) in zip(several, answers, strict=True)
            ]

        await asyncio.sleep(0)
        if len(several) == 1 and answers[0][0] == 200:  # without framing
            alone = ResultFraming(lambda types, _: types[0], split, has_statuses=False)
            return RawBatchResult(msgspec.json.encode(answers[0][1]), alone, several, (False,))
        framing, nothing = (
            ResultFraming(batch_protocol.response_type, split, has_statuses=True),
            (False,) * len(several),
        )
        return RawBatchResult(msgspec.json.encode(answers), framing, several, nothing)


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
        """A list."""
        return BatchedRead(info.context, "people", list[Sent])  # type: ignore[return-value]

    @strawberry.field
    def boss(self, info: strawberry.Info, who: str = "boss") -> Person | None:
        """One person."""
        return BatchedRead(info.context, who, Sent | None)  # type: ignore[return-value]


PEOPLE = PlanningSchema(People)
ALL = "{ boss { name } people { name friend { name longName } count } }"
TWO = [{"name": "a"}, {"name": "b"}]
FRIENDS = [{"name": "x", "longName": "xx"}, None]


async def read(text: str, reads: BatchService) -> tuple[Any, list[str]]:
    """Return the data as encoded, and the messages of the errors."""
    result = await PEOPLE.execute(text, context_value=reads)
    return msgspec.json.decode(msgspec.json.encode(result.data)), [error.message for error in result.errors or ()]


def all_well(**other: tuple[int, Any]) -> BatchService:
    answers = {"boss": (200, {"name": "c"}), "people": (200, TWO), "friends": (200, FRIENDS), "counts": (200, [1, 2])}
    return BatchService(**(answers | other))


async def test_one_text_is_decoded_at_once() -> None:
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
    assert reads.splits == 0


@pytest.mark.parametrize(
    ("text", "other", "expected", "errors"),
    [
        # One read fails.
        (ALL, {"counts": (503, None)}, [({"name": "x", "longName": "xx"}, None), (None, None)], ["counts"] * 2),
        (ALL, {"friends": (503, None), "counts": (403, None)}, [(None, None)] * 2, ["friends", "counts"] * 2),
        # The number of values differs from the number of parents.
        (
            ALL,
            {"counts": (200, [1])},
            [({"name": "x", "longName": "xx"}, None), (None, None)],
            ["_counts: 1 values for 2 parents"] * 2,
        ),
        # A value is not as declared: msgspec's message.
        (
            ALL,
            {"counts": (200, [1, "two"])},
            [({"name": "x", "longName": "xx"}, None), (None, None)],
            ["Expected `int`, got `str` - at `$[1]`"] * 2,
        ),
        # One selection has no projection: an alias.
        (
            "{ boss { name } people { name friend { name longName: name } count } }",
            {},
            [({"name": "x", "longName": "x"}, 1), (None, 2)],
            [],
        ),
    ],
)
async def test_a_text_that_cannot_be_decoded_at_once_is_split(
    text: str, other: dict[str, tuple[int, Any]], expected: list[Any], errors: list[str]
) -> None:
    reads = all_well(**other)
    data, messages = await read(text, reads)
    assert [(one["friend"], one["count"]) for one in data["people"]] == expected
    assert sorted(messages) == sorted(errors)
    assert reads.splits == 1, "the level below alone"


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
async def test_a_text_with_one_value(friends: tuple[int, Any], expected: list[str | None], errors: list[str]) -> None:
    reads = all_well(friends=friends)
    data, messages = await read(FRIENDLY, reads)
    assert [one["friend"] and one["friend"]["name"] for one in data["people"]] == expected
    assert messages == errors
    assert reads.splits == bool(errors)


async def test_a_failure_at_the_root_splits_the_root() -> None:
    reads = all_well(boss=(403, None))
    data, errors = await read(ALL, reads)
    assert (data["boss"], len(data["people"]), errors) == (None, 2, ["boss"])
    assert reads.splits == 1


async def test_level_decoders_are_bounded() -> None:
    """Nulls above a level decide which fields are dispatched; the decoders for each combination are bounded."""
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
        assert reads.splits == 0
    document = PEOPLE.engine.documents.get_or_add(parse(text))
    (plan,) = document.plans.values()
    steps = [*plan.steps, *(below for step in plan.steps for below in step.steps)]
    assert max(len(step.level_decoders) for step in steps) <= application._MAX_LEVEL_DECODERS
