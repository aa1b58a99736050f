"""GraphQL specification, sections 6.4.1 (arguments), 6.4.2 (resolution) and 6.4.3 (completion)."""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.unit.execution.schemas.literal import SCHEMA, Cat, Color, Dog, ask_it, execute, it

NOTHING = "{'seven': 7}"
NULL_GIVEN = "Expected variable '$v' provided to non-null type 'Int!' not to be None."


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", NOTHING),
        ("(number: 3)", "{'number': 3, 'seven': 7}"),
        ("(number: null)", "{'number': None, 'seven': 7}"),
        ("(seven: 8)", "{'seven': 8}"),
        ("(numbers: 3)", "{'seven': 7, 'numbers': [3]}"),
        ("(numbers: [1, null])", "{'seven': 7, 'numbers': [1, None]}"),
        ("(numbers: [])", "{'seven': 7, 'numbers': []}"),
        ("(color: BLUE)", "{'seven': 7, 'color': <Color.BLUE: 'b'>}"),
        ("(fraction: 3)", "{'seven': 7, 'fraction': 3.0}"),
        ("(id: 3)", "{'seven': 7, 'id': '3'}"),
        ('(day: "2026-03-30")', "{'seven': 7, 'day': datetime.date(2026, 3, 30)}"),
        ("(point: {x: 1})", "{'seven': 7, 'point': Point(x=1, y=7, inner=UNSET)}"),
        ("(point: {x: 1, y: null})", "{'seven': 7, 'point': Point(x=1, y=None, inner=UNSET)}"),
        (
            "(point: {x: 1, inner: {x: 2, y: 3}})",
            "{'seven': 7, 'point': Point(x=1, y=7, inner=Point(x=2, y=3, inner=UNSET))}",
        ),
        ('(which: {name: "n"})', "{'seven': 7, 'which': Which(name=Some('n'), number=None)}"),
    ],
)
async def test_arguments_are_coerced(arguments: str, expected: str) -> None:
    """6.4.1: literals by their types, defaults of absent arguments, null as a value."""
    assert await execute(f"{{ said{arguments} }}") == {"data": {"said": expected}}


@pytest.mark.parametrize(
    ("declared", "arguments", "variables", "expected"),
    [
        ("$v: Int", "number: $v", {}, NOTHING),
        ("$v: Int", "number: $v", {"v": None}, "{'number': None, 'seven': 7}"),
        ("$v: Int", "seven: $v", {}, NOTHING),
        ("$v: Int", "seven: $v", {"v": 8}, "{'seven': 8}"),
        ("$v: Int", "numbers: [1, $v]", {"v": 2}, "{'seven': 7, 'numbers': [1, 2]}"),
        ("$v: Int", "numbers: [1, $v]", {}, "{'seven': 7, 'numbers': [1, None]}"),
        ("$v: Int!", "point: {x: $v}", {"v": 2}, "{'seven': 7, 'point': Point(x=2, y=7, inner=UNSET)}"),
        ("$v: Int", "point: {x: 1, y: $v}", {}, "{'seven': 7, 'point': Point(x=1, y=7, inner=UNSET)}"),
        ("$v: Int", "point: {x: 1, y: $v}", {"v": None}, "{'seven': 7, 'point': Point(x=1, y=None, inner=UNSET)}"),
        ("$v: Point", "point: $v", {"v": {"x": 1}}, "{'seven': 7, 'point': Point(x=1, y=7, inner=UNSET)}"),
        ("$v: Int!", "which: {number: $v}", {"v": 2}, "{'seven': 7, 'which': Which(name=None, number=Some(2))}"),
        ("$v: Which", "which: $v", {"v": {"name": "n"}}, "{'seven': 7, 'which': Which(name=Some('n'), number=None)}"),
    ],
)
async def test_variables_in_arguments(declared: str, arguments: str, variables: dict[str, Any], expected: str) -> None:
    """6.4.1: an absent variable leaves its argument or its input field absent, and is null in a list."""
    assert await execute(f"query ({declared}) {{ said({arguments}) }}", **variables) == {"data": {"said": expected}}


async def test_a_plan_keeps_the_arguments_of_its_fields_apart() -> None:
    """6.4.1: of the same field twice, and of the same plan for other variables."""
    text = "query ($v: Int) { a: said(number: $v) b: said(number: 1) c: said }"
    for value in (5, 6):
        assert await execute(text, v=value) == {
            "data": {"a": f"{{'number': {value}, 'seven': 7}}", "b": "{'number': 1, 'seven': 7}", "c": NOTHING}
        }


@pytest.mark.parametrize(
    ("declared", "arguments", "variables", "message"),
    [
        (
            "$v: Int = 1",
            "seven: $v",
            {"v": None},
            "Argument 'seven' has invalid value: " + NULL_GIVEN,
        ),
        (
            "$v: Int = 1",
            "mustNumbers: [$v]",
            {"v": None},
            "Argument 'mustNumbers' has invalid value at [0]: " + NULL_GIVEN,
        ),
        (
            "$v: Int = 1",
            "point: {x: $v}",
            {"v": None},
            "Argument 'point' has invalid value at .x: " + NULL_GIVEN,
        ),
    ],
)
async def test_an_invalid_argument_is_an_error_of_its_field(
    declared: str, arguments: str, variables: dict[str, Any], message: str
) -> None:
    """6.4.1 and 6.4.4: validation allows a nullable variable with a default; with null, the field fails."""
    text = f"query ({declared}) {{ said({arguments}) }}"
    assert await execute(text, **variables) == {"data": None, "errors": [(message, ["said"])]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "OneOf Input Object 'Which' must specify exactly one key."),
        ({"name": "n", "number": 1}, "OneOf Input Object 'Which' must specify exactly one key."),
        ({"name": None}, "Value for member field 'name' must be non-null"),
    ],
)
async def test_exactly_one_field_of_a_one_of_is_given(given: dict[str, Any], message: str) -> None:
    """6.4.1, of an input object with @oneOf: Strawberry checks it before execution."""
    assert await execute("query ($v: Which) { said(which: $v) }", v=given) == {
        "data": None,
        "errors": [(message, None)],
    }


async def test_a_resolver_gets_its_parent() -> None:
    """6.4.2: sync and async, at any depth; a value is the parent of its selection."""
    value = it(called=it(must_called=it(text="deep")))
    assert await ask_it("called { mustCalled { text } }", **vars(value)) == {
        "data": {"it": {"called": {"mustCalled": {"text": "deep"}}}}
    }


async def test_a_batch_is_called_once_for_all_parents_of_a_level() -> None:
    """6.4.2: resolution is up to the implementation; each parent gets its own value, nulls among them."""
    effects: list[str] = []
    parents = [it(batched=it(text="a")), it(batched=None), it(batched=it(text="c"))]
    answer = await execute("{ it { its { batched { text } } } }", it(its=parents), context=effects)
    assert answer == {
        "data": {"it": {"its": [{"batched": {"text": "a"}}, {"batched": None}, {"batched": {"text": "c"}}]}}
    }
    assert effects == ["batch of 3"]


@pytest.mark.parametrize(
    ("selection", "name", "value", "shown"),
    [
        ("text", "text", "x", "x"),
        ("text", "text", 3, "3"),
        ("text", "text", True, "true"),
        ("text", "text", None, None),
        ("number", "number", 3, 3),
        ("number", "number", 3.0, 3),
        ("number", "number", "3", 3),
        ("number", "number", True, 1),
        ("fraction", "fraction", 1.5, 1.5),
        ("fraction", "fraction", 3, 3.0),
        ("flag", "flag", False, False),
        ("flag", "flag", 1, True),
        ("id", "id", "i", "i"),
        ("id", "id", 7, "7"),
        ("color", "color", Color.BLUE, "BLUE"),
        ("color", "color", None, None),
        ("day", "day", dt.date(2026, 3, 30), "2026-03-30"),
        ("texts", "texts", ["a", "b"], ["a", "b"]),
        ("texts", "texts", (), []),
        ("texts", "texts", None, None),
        ("mayTexts", "may_texts", [None, "b"], [None, "b"]),
        ("matrix", "matrix", [[1, 2], [], [3]], [[1, 2], [], [3]]),
        ("loose", "loose", [[1, None], None], [[1, None], None]),
        ("it { text }", "it", it(text="x"), {"text": "x"}),
        ("it { text }", "it", None, None),
        ("its { number }", "its", [it(number=1), it(number=2)], [{"number": 1}, {"number": 2}]),
        ("mayIts { number }", "may_its", [None, it(number=2)], [None, {"number": 2}]),
        ("animal { __typename name }", "animal", Cat(name="c", lives=9), {"__typename": "Cat", "name": "c"}),
        ("pet { ... on Dog { barks } }", "pet", Dog(name="d", barks=True), {"barks": True}),
        (
            "pets { __typename ... on Cat { lives } ... on Dog { barks } }",
            "pets",
            [Cat(name="c", lives=9), Dog(name="d", barks=False), Cat(name="e", lives=1)],
            [
                {"__typename": "Cat", "lives": 9},
                {"__typename": "Dog", "barks": False},
                {"__typename": "Cat", "lives": 1},
            ],
        ),
    ],
)
async def test_values_are_completed(selection: str, name: str, value: Any, shown: Any) -> None:
    """6.4.3: scalars by their result coercion, enums by name, lists, lists of lists, objects and abstract types."""
    key = selection.split(maxsplit=1)[0]
    assert await ask_it(selection, **{name: value}) == {"data": {"it": {key: shown}}}


async def _later(value: Any) -> Any:
    return value


async def _one_by_one(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def _generated(items: list[Any]) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize("make", [_one_by_one, _generated, set, tuple], ids=lambda make: str(make.__name__))
async def test_iterables_are_lists(make: Callable[[list[Any]], Any]) -> None:
    """6.4.3: any collection of the platform."""
    assert await ask_it("texts", texts=make(["a"])) == {"data": {"it": {"texts": ["a"]}}}


async def test_awaitable_values() -> None:
    """6.4.2: "asynchronous ... at any level": attributes, items of lists, objects, and what is below them."""
    assert await execute(
        "{ it { text must texts it { called { number } } } }",
        it(text=_later("x"), must="m", texts=[_later("a"), "b"], it=_later(it(called=it(number=3)))),
    ) == {"data": {"it": {"text": "x", "must": "m", "texts": ["a", "b"], "it": {"called": {"number": 3}}}}}


async def test_the_type_of_each_item_is_resolved() -> None:
    """6.4.3, ResolveAbstractType: a cached class does not decide the type of another."""
    text = "{ it { pets { __typename } } }"
    cat, dog = Cat(name="c", lives=9), Dog(name="d", barks=True)
    pets: list[Any]
    for pets in ([cat, dog], [dog, cat], [dog, dog]):
        result = await SCHEMA.execute(text, root_value=it(pets=pets))
        assert result.data == {"it": {"pets": [{"__typename": type(pet).__name__} for pet in pets]}}
