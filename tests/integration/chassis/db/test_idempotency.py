"""O14: a repeated command returns the first result."""

import asyncio

from services.contracts.values import Outcome, Refusal, Value, refuse
from tests.support.alpha import Alpha, ThingCounted


class Count(Value, frozen=True, kw_only=True):
    idempotency_key: str
    number: int


class Counted(Outcome, frozen=True, kw_only=True):
    place: int
    secret: str | None = None


async def count(
    alpha: Alpha, key: str, number: int = 1, *, refused: bool = False, caller: str = "user_1"
) -> Counted | Refusal:
    async with alpha.work() as tx:

        async def do() -> Counted | Refusal:
            await tx.connection.execute("INSERT INTO tally (thing, number) VALUES ('thing_1', $1)", number)
            tx.emit(ThingCounted(thing_id="thing_1", number=number))
            if refused:
                return refuse("TOO_LATE")
            return Counted(place=await tx.connection.fetchval("SELECT max(place) FROM tally"), secret="shown once")

        return await tx.execute_once(
            organisation="org_1",
            caller=caller,
            operation="count",
            command=Count(idempotency_key=key, number=number),
            answer=Counted,
            do=do,
            remember=lambda given: Counted(place=given.place),
        )


async def emitted_events(alpha: Alpha) -> int:
    found: int = await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox")
    return found


async def test_fifty_equal_calls_at_once_are_one(alpha: Alpha) -> None:
    answers = await asyncio.gather(*(count(alpha, "key") for _ in range(50)))
    places = {answer.place for answer in answers if isinstance(answer, Counted)}
    assert len(places) == 1
    assert len([answer for answer in answers if isinstance(answer, Counted) and answer.secret]) == 1
    assert len(await alpha.tally()) == 1
    assert await emitted_events(alpha) == 1


async def test_another_input_under_the_same_key_is_a_conflict(alpha: Alpha) -> None:
    await count(alpha, "key", 1)
    answer = await count(alpha, "key", 2)
    assert isinstance(answer, Refusal)
    assert [(problem.code, problem.path) for problem in answer.problems] == [
        ("IDEMPOTENCY_CONFLICT", ["idempotencyKey"])
    ]
    assert await alpha.tally() == [1]


async def test_a_key_belongs_to_its_caller(alpha: Alpha) -> None:
    await count(alpha, "key")
    assert isinstance(await count(alpha, "key", caller="user_2"), Counted)
    assert len(await alpha.tally()) == 2


async def test_a_refused_call_leaves_nothing_and_the_key_free(alpha: Alpha) -> None:
    refused = await count(alpha, "key", refused=True)
    assert isinstance(refused, Refusal)
    assert (await alpha.tally(), await emitted_events(alpha)) == ([], 0)
    assert isinstance(await count(alpha, "key"), Counted)


async def test_a_key_has_1_to_200_characters(alpha: Alpha) -> None:
    for key, reason in (("", "REQUIRED"), ("k" * 201, "TOO_LONG"), ("k\0", "CHARACTERS")):
        answer = await count(alpha, key)
        assert isinstance(answer, Refusal)
        assert (answer.problems[0].code, answer.problems[0].params["reason"]) == ("MALFORMED", reason)
