"""GraphQL specification, section 6.4.4 (handling field errors): paths, and propagation of null."""

from typing import Any, cast

import msgspec
import pytest
import strawberry

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema
from services.chassis.rpc.raw_result import RawResult
from tests.unit.execution.schemas.literal import SCHEMA as WRITTEN
from tests.unit.execution.schemas.literal import Cat, ask_it, execute, it


class Broken(Exception):
    """A failure."""


NULL = "Cannot return null for non-nullable field It.{}."


@pytest.mark.parametrize(
    ("selection", "values", "shown", "message", "path"),
    [
        ("text must", {"text": "x", "must": None}, None, NULL.format("must"), ["must"]),
        ("text must", {"text": "x", "must": Broken("b")}, None, "b", ["must"]),
        ("text number", {"text": Broken("b"), "number": 3}, {"text": None, "number": 3}, "b", ["text"]),
        ("text", {"text": {"a": 1}}, {"text": None}, "String cannot represent value: {'a': 1}", ["text"]),
        (
            "number",
            {"number": 2**31},
            {"number": None},
            f"Int cannot represent non 32-bit signed integer value: {2**31}",
            ["number"],
        ),
        (
            "fraction",
            {"fraction": float("nan")},
            {"fraction": None},
            "Float cannot represent non numeric value: nan",
            ["fraction"],
        ),
        ("color", {"color": "GREEN"}, {"color": None}, "Enum 'Color' cannot represent value: 'GREEN'", ["color"]),
        (
            "texts",
            {"texts": "no list"},
            {"texts": None},
            "Expected Iterable, but did not find one for field 'It.texts'.",
            ["texts"],
        ),
        ("texts", {"texts": ["a", None]}, {"texts": None}, NULL.format("texts"), ["texts", 1]),
        ("mayTexts", {"may_texts": ["a", Broken("b"), "c"]}, {"mayTexts": ["a", None, "c"]}, "b", ["mayTexts", 1]),
        ("matrix", {"matrix": [[1], [2, None]]}, {"matrix": None}, NULL.format("matrix"), ["matrix", 1, 1]),
        (
            "loose",
            {"loose": [[1], [2, "x"]]},
            {"loose": [[1], [2, None]]},
            "Int cannot represent non-integer value: 'x'",
            ["loose", 1, 1],
        ),
        (
            "it { must } number",
            {"it": it(must=None), "number": 3},
            {"it": None, "number": 3},
            NULL.format("must"),
            ["it", "must"],
        ),
        (
            "mustIt { must } number",
            {"must_it": it(must=None), "number": 3},
            None,
            NULL.format("must"),
            ["mustIt", "must"],
        ),
        (
            "its { must }",
            {"its": [it(must="x"), it(must=None)]},
            {"its": None},
            NULL.format("must"),
            ["its", 1, "must"],
        ),
        (
            "mayIts { must }",
            {"may_its": [it(must="x"), it(must=None)]},
            {"mayIts": [{"must": "x"}, None]},
            NULL.format("must"),
            ["mayIts", 1, "must"],
        ),
        (
            "pet { ... on Cat { lives } }",
            {"pet": Cat(name="c", lives=cast(int, None))},
            {"pet": None},
            "Cannot return null for non-nullable field Cat.lives.",
            ["pet", "lives"],
        ),
        (
            "called { text } number",
            {"called": Broken("b"), "number": 3},
            {"called": None, "number": 3},
            "b",
            ["called"],
        ),
        ("mustCalled { text } number", {"must_called": Broken("b"), "number": 3}, None, "b", ["mustCalled"]),
        (
            "mustCalled { text } number",
            {"must_called": None, "number": 3},
            None,
            NULL.format("mustCalled"),
            ["mustCalled"],
        ),
        (
            "called { mustCalled { text } } number",
            {"called": it(must_called=Broken("b")), "number": 3},
            {"called": None, "number": 3},
            "b",
            ["called", "mustCalled"],
        ),
        (
            "mustCalled { mustBatched { text } } number",
            {"must_called": it(batched=Broken("b")), "number": 3},
            None,
            "b",
            ["mustCalled", "mustBatched"],
        ),
    ],
)
async def test_an_error_is_reported_and_nulls_its_field(
    selection: str, values: dict[str, Any], shown: Any, message: str, path: list[str | int]
) -> None:
    """6.4.4: of leaves, lists and lists of lists, objects, abstract types, resolvers and batches."""
    assert await ask_it(selection, **values) == {"data": {"it": shown}, "errors": [(message, ["it", *path])]}


async def test_null_propagates_to_data() -> None:
    """6.4.4: if all fields from the root to the error are non-null, data is null."""
    text = "{ mustIt { mustIt { must } } }"
    assert await execute(text, it(must_it=it(must_it=it(must=None)))) == {
        "data": None,
        "errors": [(NULL.format("must"), ["mustIt", "mustIt", "must"])],
    }


async def test_errors_at_several_paths_are_all_reported() -> None:
    """6.4.4: each field has its error; siblings keep their values."""
    answer = await ask_it(
        "text number mayIts { must }", text=Broken("a"), number="x", may_its=[it(must=None), it(must="m")]
    )
    assert answer["data"] == {"it": {"text": None, "number": None, "mayIts": [None, {"must": "m"}]}}
    assert [path for _, path in answer["errors"]] == [["it", "text"], ["it", "number"], ["it", "mayIts", 0, "must"]]


async def test_an_error_of_one_parent_of_a_batch() -> None:
    """6.4.4: the others keep their values."""
    parents = [it(batched=it(text="a")), it(batched=Broken("b")), it(batched=it(text="c"))]
    assert await ask_it("its { batched { text } }", its=parents) == {
        "data": {"it": {"its": [{"batched": {"text": "a"}}, {"batched": None}, {"batched": {"text": "c"}}]}},
        "errors": [("b", ["it", "its", 1, "batched"])],
    }


async def test_an_error_of_a_non_null_batch_nulls_the_parent() -> None:
    """6.4.4: null propagates to the nearest nullable item."""
    parents = [it(batched=it(text="a")), it(batched=Broken("b"))]
    assert await ask_it("mayIts { mustBatched { text } }", may_its=parents) == {
        "data": {"it": {"mayIts": [{"mustBatched": {"text": "a"}}, None]}},
        "errors": [("b", ["it", "mayIts", 1, "mustBatched"])],
    }


async def test_an_error_of_a_whole_batch_is_reported_for_each_parent() -> None:
    """6.4.4: the same for a result without one value a parent."""
    for failing, message in ((Broken("all"), "all"), ([], "_whole: 0 values for 2 parents")):
        answer = await execute(
            "{ it { its { whole { text } } number } }", it(its=[it(), it()], number=3), context=[failing]
        )
        assert answer == {
            "data": {"it": {"its": [{"whole": None}, {"whole": None}], "number": 3}},
            "errors": [(message, ["it", "its", index, "whole"]) for index in range(2)],
        }


async def test_steps_below_a_null_are_not_dispatched() -> None:
    """6.4.4: "that sibling ... may be cancelled to avoid unnecessary work"."""
    effects: list[str] = []
    answer = await execute(
        "{ it { mayIts { batched { text } must } } }",
        it(may_its=[it(must=None, batched=it(text="never")), it(must="x", batched=it(text="b"))]),
        context=effects,
    )
    assert answer["data"] == {"it": {"mayIts": [None, {"must": "x", "batched": {"text": "b"}}]}}
    assert effects == ["batch of 1"]


async def test_an_error_has_the_locations_of_all_its_fields() -> None:
    """7.1.2: lines and columns, from 1."""
    result = await WRITTEN.execute("{\n  it { text\n text } }", root_value=it(text=Broken("b")))
    assert [[(one.line, one.column) for one in error.locations or []] for error in result.errors or []] == [
        [(2, 8), (3, 2)]
    ]


class Inner(msgspec.Struct):
    key: str


class Outer(msgspec.Struct):
    inner: Inner
    may_inner: Inner | None
    several: list[Inner | None]


async def _joined(parents: list[Any], info: strawberry.Info) -> list[str]:
    return [_fails(parent) for parent in parents]


def _fails(parent: Any) -> Any:
    return Broken("join") if parent.key == "bad" else f"joined {parent.key}"


@strawberry.type(name="Inner")
class GraphInner:
    key: str
    joined = batch(_joined, graphql_type=str, needs=["key"])


@strawberry.type(name="Outer")
class GraphOuter:
    inner: GraphInner
    may_inner: GraphInner | None
    several: list[GraphInner | None]


@strawberry.type
class Query:
    @strawberry.field
    async def outer(self) -> GraphOuter | None:
        """A raw result."""
        value = {"inner": {"key": "a"}, "may_inner": {"key": "b"}, "several": [{"key": "c"}, None, {"key": "d"}]}
        value |= vars(self)
        return RawResult(msgspec.json.encode(value), Outer | None)  # type: ignore[return-value]


class Schema(PlanningSchema):
    """A schema that does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


SCHEMA = Schema(Query, config=strawberry.schema.config.StrawberryConfig(auto_camel_case=False))
BAD = {"key": "bad"}


@pytest.mark.parametrize(
    ("values", "shown", "paths"),
    [
        (
            {},
            {
                "inner": {"joined": "joined a"},
                "may_inner": {"joined": "joined b"},
                "several": [{"joined": "joined c"}, None, {"joined": "joined d"}],
            },
            [],
        ),
        ({"inner": BAD}, None, [["outer", "inner", "joined"]]),
        (
            {"may_inner": BAD},
            {
                "inner": {"joined": "joined a"},
                "may_inner": None,
                "several": [{"joined": "joined c"}, None, {"joined": "joined d"}],
            },
            [["outer", "may_inner", "joined"]],
        ),
        (
            {"several": [None, BAD, {"key": "d"}]},
            {
                "inner": {"joined": "joined a"},
                "may_inner": {"joined": "joined b"},
                "several": [None, None, {"joined": "joined d"}],
            },
            [["outer", "several", 1, "joined"]],
        ),
    ],
)
async def test_null_propagates_through_projected_structs(values: dict[str, Any], shown: Any, paths: list[Any]) -> None:
    """6.4.4, for a response of projected structs."""
    text = "{ outer { inner { joined } may_inner { joined } several { joined } } }"
    result = await SCHEMA.execute(text, root_value=it(**values))
    assert msgspec.json.decode(msgspec.json.encode(result.data)) == {"outer": shown}
    assert [error.path for error in result.errors or []] == paths
    assert {error.message for error in result.errors or []} <= {"join"}
