"""GraphQL specification, section 6.3 (executing selection sets, collecting fields)."""

from typing import Any

import pytest

from tests.unit.execution.schemas.literal import SCHEMA, Cat, Dog, ask_it, execute, it

VALUES: dict[str, Any] = {"text": "x", "number": 3, "flag": True}


async def test_the_response_has_the_order_of_the_operation() -> None:
    """6.3: fields have the order of their first occurrence, in fragments too, steps among attributes."""
    shown = await ask_it(
        "number called { text } ... { flag } ... on It { number text } __typename",
        **VALUES,
        called=it(text="y"),
    )
    assert list(shown["data"]["it"]) == ["number", "called", "flag", "text", "__typename"]


@pytest.mark.parametrize(
    ("selection", "shown"),
    [
        ("a: text b: text text", {"a": "x", "b": "x", "text": "x"}),
        ("text text", {"text": "x"}),
        ("... on It { text }", {"text": "x"}),
        ("... { text ... { number } }", {"text": "x", "number": 3}),
        ("text @skip(if: true) number", {"number": 3}),
        ("text @skip(if: false) number", {"text": "x", "number": 3}),
        ("text @include(if: false) number", {"number": 3}),
        ("text @include(if: true) number", {"text": "x", "number": 3}),
        ("text @include(if: true) @skip(if: true) number", {"number": 3}),
        ("text @skip(if: false) @include(if: false) number", {"number": 3}),
        ("text @skip(if: true) text", {"text": "x"}),
        ("... @skip(if: true) { text } number", {"number": 3}),
        ("... on It @include(if: false) { text } number", {"number": 3}),
        ("text @skip(if: true)", {}),
    ],
)
async def test_fields_are_collected(selection: str, shown: dict[str, Any]) -> None:
    """6.3.2: aliases, inline fragments, @skip and @include; a field skipped at one place may be selected at another."""
    assert await ask_it(selection, **VALUES) == {"data": {"it": shown}}


@pytest.mark.parametrize(
    ("skip", "include", "shown"),
    [
        (False, True, {"text": "x", "number": 3}),
        (True, True, {"number": 3}),
        (False, False, {"text": "x"}),
        (True, False, {}),
    ],
)
async def test_conditions_with_variables(skip: bool, include: bool, shown: dict[str, Any]) -> None:
    """6.3.2: variables in conditions, also in a fragment and by default."""
    text = """query ($skip: Boolean!, $include: Boolean! = true) { it { ...F ... @include(if: $include) { number } } }
              fragment F on It { text @skip(if: $skip) }"""
    given: dict[str, Any] = {"skip": skip} if include else {"skip": skip, "include": False}
    assert await execute(text, it(**VALUES), **given) == {"data": {"it": shown}}


async def test_a_null_condition_ends_the_request() -> None:
    """6.3.2 and 5.8.5: a default allows a nullable variable; null is an error."""
    text = "query ($on: Boolean = true) { it { text @include(if: $on) } }"
    assert await execute(text, it(**VALUES)) == {"data": {"it": {"text": "x"}}}
    answer = await execute(text, it(**VALUES), on=None)
    assert answer["data"] is None
    assert [message for message, _ in answer["errors"]] == [
        "Argument 'if' has invalid value: Expected variable '$on' provided to non-null type 'Boolean!' not to be None."
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{ it { ...F } } fragment F on It { ...G number } fragment G on It { text }", {"text": "x", "number": 3}),
        ("{ it { ...F ...F } } fragment F on It { text }", {"text": "x"}),
        ("{ it { ...F @skip(if: true) ...F } } fragment F on It { text }", {"text": "x"}),
        ("{ it { ...F @skip(if: true) number } } fragment F on It { text }", {"number": 3}),
    ],
)
async def test_fragments_are_spread(text: str, shown: dict[str, Any]) -> None:
    """6.3.2: a named fragment is visited once, unless a directive skipped the first spread."""
    assert await execute(text, it(**VALUES)) == {"data": {"it": shown}}


async def test_selections_of_the_same_field_are_merged() -> None:
    """6.3.2 and 6.4.3, MergeSelectionSets: one value for all selections of a field, resolved once."""
    effects: list[str] = []
    shown = await execute(
        "{ it { batched { text } ... { batched { number called { text } } } }"
        "  it { batched { called { number } } ...F } }"
        " fragment F on It { batched { flag } }",
        it(batched=it(**VALUES, called=it(text="y", number=4))),
        context=effects,
    )
    assert shown == {
        "data": {"it": {"batched": {"text": "x", "number": 3, "called": {"text": "y", "number": 4}, "flag": True}}}
    }
    assert effects == ["batch of 1"]


@pytest.mark.parametrize(
    ("selection", "cat", "dog"),
    [
        ("name", {"name": "n"}, {"name": "n"}),
        ("__typename ... on Cat { lives }", {"__typename": "Cat", "lives": 9}, {"__typename": "Dog"}),
        ("... on Animal { name } ... on Dog { barks }", {"name": "n"}, {"name": "n", "barks": True}),
        ("... on Pet { ... on Cat { lives } } name", {"lives": 9, "name": "n"}, {"name": "n"}),
        ("... on Cat { same: name } ... on Dog { same: name }", {"same": "n"}, {"same": "n"}),
    ],
)
async def test_fragments_apply_by_type(selection: str, cat: dict[str, Any], dog: dict[str, Any]) -> None:
    """6.3.2, DoesFragmentTypeApply: object types, interfaces and unions."""
    for value, shown in ((Cat(name="n", lives=9), cat), (Dog(name="n", barks=True), dog)):
        assert await ask_it(f"animal {{ {selection} }}", animal=value) == {"data": {"it": {"animal": shown}}}


async def test_an_operation_that_introspects_executes_the_rest_too() -> None:
    """6.3 and 4: fields of the schema beside fields of the data."""
    result = await SCHEMA.execute("{ __schema { queryType { name } } it { text } }", root_value=it(text="x"))
    assert (result.data, result.errors) == ({"__schema": {"queryType": {"name": "Query"}}, "it": {"text": "x"}}, None)
