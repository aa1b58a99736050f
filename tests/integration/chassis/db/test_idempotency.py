"""O14: a repeated command returns the result of the first one, as its caller may read it now."""

import asyncio
from collections.abc import Sequence

from services.chassis.db.idempotency import input_digest
from services.contracts.values import Outcome, Refusal, Value, refuse
from tests.support.alpha import Alpha, ThingCounted


class Count(Value, frozen=True, kw_only=True):
    idempotency_key: str
    number: int


class Counted(Outcome, frozen=True, kw_only=True):
    place: int
    number: int
    secret: str | None = None


class Part(Value, frozen=True, kw_only=True):
    number: int
    colour: str = "green"


class OlderCommand(Value, frozen=True, kw_only=True):
    idempotency_key: str
    parts: list[Part]


class NewerCommand(OlderCommand, frozen=True, kw_only=True):
    """The command of a build that added two fields with defaults."""

    text: str | None = None
    ids: list[str] = []


async def count(
    alpha: Alpha, key: str, number: int = 1, *, refused: bool = False, caller: str = "user_1"
) -> Counted | Refusal:
    async with alpha.work() as tx:

        async def do() -> Counted | Refusal:
            await tx.connection.execute("INSERT INTO tally (thing, number) VALUES ('thing_1', $1)", number)
            tx.emit(ThingCounted(thing_id="thing_1", number=number))
            if refused:
                return refuse("TOO_LATE")
            place = await tx.connection.fetchval("SELECT max(place) FROM tally")
            return Counted(place=place, number=number, secret="shown once")

        async def read_again(ids: Sequence[str]) -> Counted | None:
            row = await tx.connection.fetchrow("SELECT place, number FROM tally WHERE place = $1", int(ids[0]))
            return Counted(place=row["place"], number=row["number"]) if row else None

        return await tx.execute_once(
            organisation="org_1",
            caller=caller,
            operation="count",
            command=Count(idempotency_key=key, number=number),
            do=do,
            ids=lambda counted: [str(counted.place)],
            read_again={Counted: read_again},
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


async def test_a_repetition_reads_the_result_as_it_is_now(alpha: Alpha) -> None:
    await count(alpha, "key")
    await alpha.pool.execute("UPDATE tally SET number = 7")
    again = await count(alpha, "key")
    assert isinstance(again, Counted)
    assert (again.number, again.secret) == (7, None)


async def test_a_result_that_is_gone_is_not_found_and_its_key_not_free(alpha: Alpha) -> None:
    await count(alpha, "key")
    await alpha.pool.execute("DELETE FROM tally")
    assert await count(alpha, "key") == refuse("NOT_FOUND", "idempotencyKey")
    assert await alpha.tally() == []


async def test_the_type_and_the_ids_of_a_result_are_kept_and_nothing_else(alpha: Alpha) -> None:
    counted = await count(alpha, "key")
    assert isinstance(counted, Counted)
    assert counted.secret
    kept = await alpha.pool.fetchrow("SELECT a.*, a::text AS whole FROM chassis.answers a")
    assert kept is not None
    assert (kept["result_type"], kept["result_ids"]) == ("Counted", [str(counted.place)])
    assert counted.secret not in kept["whole"]


def test_a_field_with_its_default_is_not_part_of_the_digest() -> None:
    older = OlderCommand(idempotency_key="key", parts=[Part(number=1), Part(number=2, colour="brown")])
    newer = NewerCommand(idempotency_key="key", parts=older.parts)
    assert input_digest(newer) == input_digest(older)
    others = [
        NewerCommand(idempotency_key="key", parts=older.parts, text=""),
        NewerCommand(idempotency_key="key", parts=older.parts, ids=["a"]),
        NewerCommand(idempotency_key="key", parts=[Part(number=1), Part(number=2)]),
    ]
    assert len({input_digest(one) for one in [older, *others]}) == 4


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
