"""GraphQL specification, sections 6.1 (executing requests) and 6.2 (executing operations)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import strawberry
from graphql import parse

from gateway.execution.strawberry.schema import PlanningSchema
from tests.unit.execution.schemas.literal import SCHEMA, execute, it

TWO = "query A { it { a: text } } query B { it { b: text } }"


@pytest.mark.parametrize(("name", "shown"), [("A", {"a": "x"}), ("B", {"b": "x"})])
async def test_the_named_operation_is_executed(name: str, shown: dict[str, str]) -> None:
    """6.1, GetOperation: the one of that name."""
    assert await execute(TWO, it(text="x"), operation=name) == {"data": {"it": shown}}


async def test_the_only_operation_needs_no_name() -> None:
    """6.1, GetOperation: no name, one operation."""
    assert await execute("query A { it { text } }", it(text="x")) == {"data": {"it": {"text": "x"}}}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "Must provide operation name if query contains multiple operations."),
        ("C", "Unknown operation named 'C'."),
        ("", "Unknown operation named ''."),
    ],
)
async def test_without_an_operation_nothing_is_executed(name: str | None, message: str) -> None:
    """6.1, GetOperation: a request error, where Strawberry takes the first operation."""
    result: Any = SCHEMA.engine.execute(SCHEMA._schema, parse(TWO), it(text="x"), operation_name=name)
    assert (result.data, [error.message for error in result.errors]) == (None, [message])


@pytest.mark.parametrize(
    ("declared", "variables", "expected"),
    [
        ("$number: Int", {}, "{'seven': 7}"),
        ("$number: Int", {"number": None}, "{'number': None, 'seven': 7}"),
        ("$number: Int = 3", {}, "{'number': 3, 'seven': 7}"),
        ("$number: Int = 3", {"number": None}, "{'number': None, 'seven': 7}"),
        ("$number: Int = 3", {"number": 4}, "{'number': 4, 'seven': 7}"),
        ("$number: Int! = 3", {}, "{'number': 3, 'seven': 7}"),
    ],
)
async def test_variables_are_coerced(declared: str, variables: dict[str, Any], expected: str) -> None:
    """6.1.2: an absent variable gets its default or stays absent; null is a value."""
    text = f"query ({declared}) {{ said(number: $number) }}"
    assert await execute(text, **variables) == {"data": {"said": expected}}


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ("Float", 3, "{'seven': 7, 'fraction': 3.0}"),
        ("ID", 3, "{'seven': 7, 'id': '3'}"),
        ("Color", "RED", "{'seven': 7, 'color': <Color.RED: 'r'>}"),
        ("Date", "2026-03-30", "{'seven': 7, 'day': datetime.date(2026, 3, 30)}"),
        ("[Int]", 3, "{'seven': 7, 'numbers': [3]}"),
        ("[Int]", [3, None], "{'seven': 7, 'numbers': [3, None]}"),
    ],
)
async def test_variables_are_coerced_by_their_types(declared: str, given: Any, expected: str) -> None:
    """6.1.2: input coercion of scalars, enums and lists (one value is a list of one)."""
    name = {"Float": "fraction", "ID": "id", "Color": "color", "Date": "day", "[Int]": "numbers"}[declared]
    assert await execute(f"query ($v: {declared}) {{ said({name}: $v) }}", v=given) == {"data": {"said": expected}}


@pytest.mark.parametrize(
    ("declared", "variables", "message"),
    [
        ("Int!", {}, "Variable '$v' has invalid value: Expected a value of non-null type 'Int!' to be provided."),
        (
            "Int!",
            {"v": None},
            "Variable '$v' has invalid value: Expected value of non-null type 'Int!' not to be None.",
        ),
        ("Int", {"v": "3"}, "Variable '$v' has invalid value: Int cannot represent non-integer value: '3'"),
        (
            "Int",
            {"v": 2**31},
            f"Variable '$v' has invalid value: Int cannot represent non 32-bit signed integer value: {2**31}",
        ),
    ],
)
async def test_invalid_variables_end_the_request(declared: str, variables: dict[str, Any], message: str) -> None:
    """6.1.2: a request error, before anything is executed; there is no path."""
    text = f"query ($v: {declared}) {{ it {{ text }} said(number: $v) }}"
    assert await execute(text, it(text="x"), **variables) == {"data": None, "errors": [(message, None)]}


async def test_the_root_value_is_the_parent_of_the_root_fields() -> None:
    """6.2.1: a query's root selection is executed on the initial value."""
    assert await execute("{ it { number } __typename }", it(number=3)) == {
        "data": {"it": {"number": 3}, "__typename": "Query"}
    }


async def test_fields_of_a_query_run_concurrently() -> None:
    """6.2.1: each of two resolvers waits for the other."""
    both = asyncio.Barrier(2)

    @strawberry.type
    class Meeting:
        @strawberry.field
        async def here(self) -> int:
            await both.wait()
            return 1

        @strawberry.field
        async def there(self) -> int:
            await both.wait()
            return 2

    async with asyncio.timeout(60):
        result = await PlanningSchema(Meeting).execute("{ there here }")
    assert (result.data, result.errors) == ({"there": 2, "here": 1}, None)


async def test_mutations_are_executed_in_series() -> None:
    """6.2.2: a field is complete, with its selection, before the next one starts."""
    effects: list[str] = []
    answer = await execute(
        """mutation { a: write(text: "1") { batched { text } } b: write(text: "2") { text }
             c: write(text: "3") { batched { text } } a: write(text: "1") { text } }""",
        context=effects,
    )
    assert answer == {
        "data": {
            "a": {"batched": {"text": "1 batched"}, "text": "1"},
            "b": {"text": "2"},
            "c": {"batched": {"text": "3 batched"}},
        }
    }
    assert effects == ["1", "batch of 1", "2", "3", "batch of 1"]


async def test_an_error_of_a_mutation_nulls_its_own_field() -> None:
    """6.2.2 and 6.4.4: a nullable field that fails is null, and the next is executed."""
    effects: list[str] = []
    text = 'mutation { a: write(text: "1") { text } b: write(text: "bad") { text } c: write(text: "3") { text } }'
    assert await execute(text, context=effects) == {
        "data": {"a": {"text": "1"}, "b": None, "c": {"text": "3"}},
        "errors": [("bad", ["b"])],
    }
    assert effects == ["1", "bad", "3"]


async def test_an_error_that_propagates_to_data_ends_the_mutations() -> None:
    """6.2.2 and 6.4.4: the response could not report later mutations."""
    effects: list[str] = []
    text = 'mutation { a: write(text: "1") { text } b: mustWrite(text: "bad") { text } c: write(text: "3") { text } }'
    assert await execute(text, context=effects) == {"data": None, "errors": [("bad", ["b"])]}
    assert effects == ["1", "bad"]


async def test_each_event_is_executed_on_its_own() -> None:
    """6.2.3: an event is the root value of one execution; an error of one does not end the stream."""

    @strawberry.type
    class Counting:
        @strawberry.subscription
        async def count(self) -> AsyncIterator[int]:
            for number in (1, 2**40, 3):
                yield number

    @strawberry.type
    class Nothing:
        nothing: int = 0

    schema = PlanningSchema(Nothing, subscription=Counting)
    stream: Any = await schema.subscribe("subscription { n: count }")
    results = [(one.data, [error.message for error in one.errors or []]) async for one in stream]
    message = f"Int cannot represent non 32-bit signed integer value: {2**40}"
    assert results == [({"n": 1}, []), (None, [message]), ({"n": 3}, [])]
