"""Projections, case by case: applied if JSON and GraphQL agree; else the result is decoded as declared."""

from typing import Any

import msgspec
import pytest
import strawberry

from services.chassis.rpc.raw_result import RawResult
from tests.unit.execution.schemas import projection
from tests.unit.execution.schemas.projection import JsonContext, execute


async def execute_both(
    text: str, *values: Any, joins: dict[str, Any] | None = None, kind: Any = None
) -> tuple[str, list[Any], dict[str, int]]:
    """Return the data, the errors and the counts of completions; check that decoding as declared gives the same."""
    shown, errors, counts = await execute(text, JsonContext(*values, passes_on=True, joins=joins, kind=kind))
    declared, declared_errors, _ = await execute(text, JsonContext(*values, passes_on=False, joins=joins, kind=kind))
    selected, selected_errors, _ = await execute(
        text, JsonContext(*values, passes_on=True, picks=True, joins=joins, kind=kind)
    )
    assert shown == declared == selected
    assert sorted(map(str, errors)) == sorted(map(str, declared_errors)) == sorted(map(str, selected_errors))
    return shown.decode(), errors, dict(counts)


@pytest.mark.parametrize(
    ("selection", "value", "shown"),
    [
        (
            "id count ratio flag",
            {"id": "i", "count": 3, "ratio": 2, "flag": False},
            '{"id":"i","count":3,"ratio":2.0,"flag":false}',
        ),
        ("flag id", {"id": "i", "flag": True, "count": "not selected"}, '{"flag":true,"id":"i"}'),
        ("name may must", {"id": "i", "name": None, "may": "a", "must": "b"}, '{"name":null,"may":"a","must":"b"}'),
        ("day status", {"id": "i", "day": "2026-01-02", "status": "DONE"}, '{"day":"2026-01-02","status":"DONE"}'),
        ("tags", {"id": "i", "tags": ["a", None]}, '{"tags":["a",null]}'),
        ("__typename kind: __typename", {"id": "i"}, '{"__typename":"Sent","kind":"Sent"}'),
        ("inner { word key }", {"id": "i", "inner": {"key": "k", "word": None}}, '{"inner":{"word":null,"key":"k"}}'),
        ("inner { key }", {"id": "i", "inner": None}, '{"inner":null}'),
        ("inners { key }", {"id": "i", "inners": [{"key": "a"}, {"key": "b"}]}, '{"inners":[{"key":"a"},{"key":"b"}]}'),
        (
            "pet { __typename ... on Cat { name } }",
            {"id": "i", "pet": {"__typename": "Cat", "name": "c"}},
            '{"pet":{"__typename":"Cat","name":"c"}}',
        ),
        (
            "pet { __typename ... on Cat { name } }",
            {"id": "i", "pet": {"__typename": "Dog", "name": "d"}},
            '{"pet":{"__typename":"Dog"}}',
        ),
    ],
)
async def test_values_with_the_same_json_are_projected(selection: str, value: dict[str, Any], shown: str) -> None:
    text = f"{{ sent {{ {selection} }} }}"
    answer, errors, counts = await execute(text, JsonContext(value, passes_on=True))
    assert (answer.decode(), errors) == (f'{{"sent":{shown}}}', [])
    assert dict(counts) == {"projected": 1}


WHOLE = {"id": "i", "count": 3, "may": "a", "must": "b", "day": "2026-01-02", "status": "DONE", "tags": ["a", None]}


@pytest.mark.parametrize(
    ("selection", "shown", "counts"),
    [
        ("day id count", '{"day":"2026-01-02","id":"i","count":3}', {"projected: partial": 1}),
        ("status tags", '{"status":"DONE","tags":["a",null]}', {"projected: partial": 1}),
        ("kind: __typename may __typename", '{"kind":"Sent","may":"a","__typename":"Sent"}', {"projected: partial": 1}),
        ("inner { __typename key }", '{"inner":{"__typename":"Inner","key":"k"}}', {"projected: partial": 1}),
        ("count of { word }", '{"count":3,"of":{"word":"w"}}', {"projected: partial": 2}),
        # The declared type is nullable and the GraphQL type is not: the gateway has to check.
        ("id must", '{"id":"i","must":"b"}', {"projected": 1}),
        ("pet { __typename }", '{"pet":{"__typename":"Cat"}}', {"projected": 1}),
        ("other: id", '{"other":"i"}', {"compiled: an alias": 1}),
    ],
)
async def test_a_service_restricts_its_result_to_the_selection(
    selection: str, shown: str, counts: dict[str, int]
) -> None:
    value = {**WHOLE, "inner": {"key": "k", "word": "w"}, "pet": {"__typename": "Cat", "name": "c"}}
    context = JsonContext(value, [{"key": "k", "word": "w"}], passes_on=True, picks=True)
    answer, errors, decoded = await execute(f"{{ sent {{ {selection} }} }}", context)
    assert (answer.decode(), errors) == (f'{{"sent":{shown}}}', [])
    assert dict(decoded) == counts


async def test_null_is_projected() -> None:
    assert await execute_both("{ sent { id } }", None) == ('{"sent":null}', [], {"projected": 1})
    shown, errors, counts = await execute_both("{ many { id } }", [None, {"id": "i"}])
    assert (shown, errors, counts) == ('{"many":[null,{"id":"i"}]}', [], {"projected": 1})


PET = {"__typename": "Cat", "name": "c"}

FALLS_BACK: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "an alias": [
        ("other: id", {}, '{"other":"i"}'),
        ("count: __typename", {}, '{"count":"Sent"}'),
        ("inner { key: word }", {"inner": {"key": "k", "word": "w"}}, '{"inner":{"key":"w"}}'),
        ("inner { word: seen }", {"inner": {"key": "k", "word": "w"}}, '{"inner":{"word":"seen k"}}'),
    ],
    "an enum's values": [("size", {"size": "l"}, '{"size":"LARGE"}')],
    "no enum": [("word", {"word": "OPEN"}, '{"word":"OPEN"}')],
    "a scalar": [("code", {"code": 7}, '{"code":"code 7"}')],
    "a leaf of another type": [("natural", {"natural": 2}, '{"natural":2}')],
    "no list": [("pair", {"pair": [3, 4]}, '{"pair":[3,4]}')],
    "members without __typename": [
        ("tree { __typename }", {"tree": {"kind": "elm", "height": 3}}, '{"tree":{"__typename":"Elm"}}')
    ],
    "members without __typename first": [
        ("pet { ... on Cat { name __typename } }", {"pet": PET}, '{"pet":{"name":"c","__typename":"Cat"}}'),
        ("pet { ... on Cat { name } }", {"pet": PET}, '{"pet":{"name":"c"}}'),
        ("pet { kind: __typename }", {"pet": PET}, '{"pet":{"kind":"Cat"}}'),
    ],
    "members of other names": [
        ("fish { __typename ... on Cat { name } }", {"fish": PET}, '{"fish":{"__typename":"Cat","name":"c"}}')
    ],
    "a field with a resolver": [("id upper", {"may": "a"}, '{"id":"i","upper":"A"}')],
    "a field that is not sent": [("id missing", {}, '{"id":"i","missing":null}')],
    "is_type_of looks at the value": [("looked { key }", {"looked": {"key": "k"}}, '{"looked":{"key":"k"}}')],
    "a join that needs more than keys": [
        ("on", {"day": "2026-01-02"}, '{"on":"2026-01-02"}'),
        ("day on", {"day": "2026-01-02"}, '{"day":"2026-01-02","on":"2026-01-02"}'),
    ],
}


@pytest.mark.parametrize(
    ("reason", "selection", "value", "shown"),
    [(reason, *case) for reason, cases in FALLS_BACK.items() for case in cases],
)
async def test_values_with_other_json_are_decoded_as_declared(
    reason: str, selection: str, value: dict[str, Any], shown: str
) -> None:
    answer, errors, counts = await execute_both(f"{{ sent {{ {selection} }} }}", {"id": "i", **value})
    assert answer == f'{{"sent":{shown}}}'
    assert counts[f"compiled: {reason}"] == 1
    assert "projected" not in counts
    assert bool(errors) is (reason == "a field that is not sent"), "the service does not send the field"


@pytest.mark.parametrize(
    ("selection", "json", "message"),
    [
        ("must", b'{"id":"i","must":null}', "Cannot return null for non-nullable field Sent.must."),
        ("flag", b'{"id":"i","flag":null}', "Expected `bool`, got `null` - at `$.flag`"),
        ("may", b'{"id":"i","may":null}', "Expected `str`, got `null` - at `$.may`"),
        ("count", b'{"id":"i","count":2147483648}', "Int cannot represent non 32-bit signed integer value: 2147483648"),
        (
            "count",
            b'{"id":"i","count":-2147483649}',
            "Int cannot represent non 32-bit signed integer value: -2147483649",
        ),
        ("count", b'{"id":"i","count":"3"}', "Expected `int`, got `str` - at `$.count`"),
        ("natural", b'{"id":"i","natural":-1}', "Expected `int` >= 0 - at `$.natural`"),
        ("id", b'{"count":3}', "Object missing required field `id`"),
        ("status", b'{"id":"i","status":"LOST"}', "Invalid enum value 'LOST' - at `$.status`"),
        ("day", b'{"id":"i","day":"today"}', "Invalid RFC3339 encoded date - at `$.day`"),
        ("id", b"[]", "Expected `object | null`, got `array`"),
        ("id", b'{"id":', "Input data was truncated"),
        ("id", b"<html>", "JSON is malformed: invalid character (byte 0)"),
        ("id", b"", "Input data was truncated"),
        (
            "pet { __typename }",
            b'{"id":"i","pet":{"__typename":"Eel","name":"e"}}',
            "Invalid value 'Eel' - at `$.pet.__typename`",
        ),
        (
            "inners { key }",
            b'{"id":"i","inners":[{"key":"a"},{}]}',
            "Object missing required field `key` - at `$.inners[1]`",
        ),
        (
            "looked { key }",
            b'{"id":"i","looked":{"key":"odd"}}',
            "Expected value of type 'Looked' but got: <Inner instance>.",
        ),
    ],
)
async def test_a_value_that_is_not_as_declared_is_an_error(selection: str, json: bytes, message: str) -> None:
    shown, errors, counts = await execute_both(f"{{ sent {{ {selection} }} }}", json)
    assert [one for one, _ in errors] == [message]
    assert shown in ('{"sent":null}', f'{{"sent":{{"{selection.split(maxsplit=1)[0]}":null}}}}')
    assert "projected" not in counts
    assert any(count.startswith("slow: ") for count in counts)


async def test_a_default_of_the_contract_is_in_the_response() -> None:
    """A field that is omitted because it has its default is decoded as declared."""
    shown, errors, counts = await execute_both("{ sent { id count } }", {"id": "i"})
    assert (shown, errors) == ('{"sent":{"id":"i","count":1}}', [])
    assert counts == {"compiled: not as declared": 1}


@pytest.mark.parametrize(("many", "message"), [(1, "_of: 1 values for 2 parents"), (3, "_of: 3 values for 2 parents")])
async def test_a_batch_of_another_length_is_an_error_of_each(many: int, message: str) -> None:
    parents = [{"id": "a"}, None, {"id": "b"}]
    shown, errors, counts = await execute_both("{ many { of { key } } }", parents, [{"key": "k"}] * many)
    assert shown == '{"many":[{"of":null},null,{"of":null}]}'
    assert errors == [(message, ["many", index, "of"]) for index in (0, 2)]
    assert counts["compiled: not one for each parent"] == 1


async def test_a_batch_and_its_joins_are_projected() -> None:
    """The response has the keys that were selected, and not those that joins alone need."""
    text = "{ many { of { seen word } } }"
    parents, joined = (
        [{"id": "a"}, {"id": "b"}, {"id": "c"}],
        [{"key": "x", "word": "w"}, None, {"key": "y", "word": None}],
    )
    shown, errors, counts = await execute_both(text, parents, joined)
    assert shown == '{"many":[{"of":{"seen":"seen x","word":"w"}},{"of":null},{"of":{"seen":"seen y","word":null}}]}'
    assert (errors, counts) == ([], {"projected": 2})
    shown, _, counts = await execute_both("{ sent { inner { seen key } } }", {"id": "i", "inner": {"key": "k"}})
    assert (shown, counts) == ('{"sent":{"inner":{"seen":"seen k","key":"k"}}}', {"projected": 1})


async def test_a_join_below_structs_is_dispatched_once() -> None:
    context = JsonContext(
        [{"id": "a", "inners": [{"key": "1"}, {"key": "2"}]}, {"id": "b", "inners": [{"key": "3"}]}], passes_on=True
    )
    answer, _, counts = await execute("{ many { inners { seen } } }", context)
    assert answer == b'{"many":[{"inners":[{"seen":"seen 1"},{"seen":"seen 2"}]},{"inners":[{"seen":"seen 3"}]}]}'
    assert (context.seen, dict(counts)) == ([["1", "2", "3"]], {"projected": 1})


INNERS = [{"id": "a", "inner": {"key": "1"}, "inners": []}, {"id": "b", "inner": {"key": "2"}, "inners": []}]


@pytest.mark.parametrize(
    ("text", "shown", "paths"),
    [
        (
            "{ many { id inner { seen } } }",
            '{"many":[{"id":"a","inner":{"seen":null}},{"id":"b","inner":{"seen":"seen 2"}}]}',
            [["many", 0, "inner", "seen"]],
        ),
        (
            "{ many { id inner { must_see } } }",
            '{"many":[{"id":"a","inner":null},{"id":"b","inner":{"must_see":"seen 2"}}]}',
            [["many", 0, "inner", "must_see"]],
        ),
    ],
)
async def test_errors_of_joins_below_structs(text: str, shown: str, paths: list[Any]) -> None:
    """Errors propagate through structs to the nearest nullable one; hidden keys stay hidden."""
    answer, errors, counts = await execute_both(text, INNERS, joins={"1": ValueError("one")})
    assert (answer, [path for _, path in errors]) == (shown, paths)
    assert counts == {"projected": 1, "slow: an error": 1}


async def test_null_propagates_to_the_item_of_a_list() -> None:
    value = [{"id": "a", "inners": [{"key": "1"}, {"key": "2"}]}, {"id": "b", "inners": [{"key": "3"}]}]
    answer, errors, counts = await execute_both("{ many { inners { must_see } } }", value, joins={"2": None})
    assert answer == '{"many":[null,{"inners":[{"must_see":"seen 3"}]}]}'
    assert errors == [
        ("Cannot return null for non-nullable field Inner.must_see.", ["many", 0, "inners", 1, "must_see"])
    ]
    assert counts == {"projected": 1, "slow: an unusual value": 1}


async def test_results_of_several_types_are_each_decoded_as_their_own() -> None:
    """Resolvers of one field may return raw results of different types; each is decoded as its own."""

    class Few(msgspec.Struct):
        key: str
        word: str

    kinds = iter([projection.Inner, Few])

    @strawberry.type
    class Parent:
        @strawberry.field
        async def inner(self) -> projection.GraphInner | None:
            """A raw result."""
            return RawResult(b'{"key":"k","word":null}', next(kinds))  # type: ignore[return-value]

    @strawberry.type
    class Parents:
        @strawberry.field
        def parents(self) -> list[Parent]:
            """Two."""
            return [Parent(), Parent()]

    result = await projection.Schema(Parents).execute("{ parents { inner { word } } }")
    assert result.data == {"parents": [{"inner": {"word": None}}, {"inner": None}]}
    assert [(error.message, error.path) for error in result.errors or []] == [
        ("Expected `str`, got `null` - at `$.word`", ["parents", 1, "inner"])
    ]


async def test_raw_results_beside_introspection_are_decoded() -> None:
    """graphql-core executes such an operation, and can't complete raw results."""
    text = '{ __type(name: "Cat") { name } sent { id } many { id } }'
    answer, errors, _ = await execute(text, JsonContext({"id": "i"}, [{"id": "j"}], passes_on=True))
    assert (answer, errors) == (b'{"__type":{"name":"Cat"},"sent":{"id":"i"},"many":[{"id":"j"}]}', [])
