"""A plan depends on the text, the operation's name and what @skip and @include look at; on nothing else."""

import gc
import time
import tracemalloc
from typing import Any

import pytest
import strawberry
from graphql import parse
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.extensions import SchemaExtension

from gateway.execution import documents as kept
from gateway.execution.documents import Document, DocumentCache
from gateway.execution.planning.plan import MAX_PLANNED_FIELDS, Plan
from gateway.execution.strawberry.schema import PlanningSchema
from tests.support.hypothesis_profiles import max_examples
from tests.unit.execution.schemas.linked import schema

TEXT = """
query A($skip: Boolean!, $include: Boolean! = true, $number: Int) {
  thing { ...F double(number: $number) @include(if: $include) }
}
query B($skip: Boolean!, $include: Boolean! = true, $number: Int) {
  thing { ...F double(number: $number) @skip(if: $include) }
}
fragment F on Thing { name @skip(if: $skip) __typename }
"""

REQUESTS = st.fixed_dictionaries(
    {
        "text": st.sampled_from([TEXT, TEXT + "# another"]),
        "operation": st.sampled_from(["A", "B"]),
        "skip": st.booleans(),
        "include": st.one_of(st.none(), st.booleans()),
        "number": st.integers(0, 3),
        "caller": st.sampled_from(["one", "another"]),
    }
)


async def plan_and_answer(asked: PlanningSchema, request: dict[str, Any]) -> tuple[Plan, Any]:
    """The plan by which a request was executed, and its answer."""
    used: list[Plan] = []
    engine = asked.engine
    find = engine.documents.plan

    def noted(*arguments: Any) -> Plan:
        used.append(find(*arguments))
        return used[-1]

    engine.documents.plan = noted  # type: ignore[method-assign, assignment]
    try:
        variables = {name: request[name] for name in ("skip", "number")}
        if request["include"] is not None:
            variables["include"] = request["include"]
        answer = await asked.execute(
            request["text"], variables, operation_name=request["operation"], context_value=request["caller"]
        )
    finally:
        engine.documents.plan = find  # type: ignore[method-assign]
    assert answer.errors is None
    (plan,) = used
    return plan, answer.data


def expected(request: dict[str, Any]) -> dict[str, Any]:
    """The answer, by hand."""
    include = request["include"] is not False
    shown: dict[str, Any] = {} if request["skip"] else {"name": request["caller"]}
    shown["__typename"] = "Thing"
    if include is (request["operation"] == "A"):
        shown["double"] = 2 * request["number"]
    return {"thing": shown}


DEPENDS_ON = {"text", "operation", "skip", "include"}


def _value_or_default(request: dict[str, Any], name: str) -> Any:
    """What is given, or its default."""
    return True if request[name] is None else request[name]


@pytest.mark.parametrize("change", sorted({*DEPENDS_ON, "number", "caller"}))
@settings(max_examples=max_examples(25))
@given(request=REQUESTS, other=REQUESTS)
async def test_one_change_at_a_time(change: str, request: dict[str, Any], other: dict[str, Any]) -> None:
    asked = schema()
    changed = {**request, change: other[change]}
    same = all(_value_or_default(request, name) == _value_or_default(changed, name) for name in DEPENDS_ON)
    first, answer = await plan_and_answer(asked, request)
    second, changed_answer = await plan_and_answer(asked, changed)
    again, _ = await plan_and_answer(asked, request)
    assert (first is second) is same
    assert again is first, "what was planned once is kept"
    assert (answer, changed_answer) == (expected(request), expected(changed))


async def test_schemas_never_share() -> None:
    """The same text means something else in another schema: also the answers to events, which are kept."""

    @strawberry.type(name="Query")
    class Other:
        @strawberry.field
        def thing(self) -> int:
            """Not a thing at all."""
            return 1

    text = "{ thing { name } }"
    one, twin, other = schema(), schema(), PlanningSchema(Other)
    for _ in range(2):
        assert (await one.execute(text, context_value="x")).data == {"thing": {"name": "x"}}
        assert (await twin.execute(text, context_value="y")).data == {"thing": {"name": "y"}}
        assert (await other.execute("{ thing }")).data == {"thing": 1}
        assert (await other.execute(text)).errors
    assert _only_plan(one, text) is not _only_plan(twin, text)


def _only_plan(asked: PlanningSchema, text: str) -> Plan:
    document = asked.engine.documents.find(text)
    assert document is not None
    (plan,) = document.plans.values()
    return plan


async def test_a_schema_that_wraps_fields_now_and_then_has_plans_for_both() -> None:
    """Extensions may differ from request to request: what wraps every field needs a plan of its own."""
    seen: list[str] = []

    class Watch(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    asked = schema()
    for watched in (False, True, False):
        asked.extensions = (Watch,) if watched else ()
        assert (await asked.execute("{ thing { name } }", context_value="x")).data == {"thing": {"name": "x"}}
        assert seen == (["thing", "name"] if watched else [])
        seen.clear()


def test_plans_of_one_text_are_bounded() -> None:
    """By their number; those that were not asked for longest go, and what they counted as with them."""
    names = [f"v{number}" for number in range(8)]
    declared = " ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    text = f"query ({declared}) {{ thing {{ {fields} }} }}"
    engine = schema().engine
    document = engine.documents.get_or_add(parse(text))
    operation = document.operation(None)
    assert operation is not None
    counted = set()
    for number in range(256):
        values = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        engine.documents.plan(document, operation.node, values, engine._plan)
        counted.add(len(document.plans))
        fields_now = sum(plan.fields for plan in document.plans.values())
        assert engine.documents.bytes == len(text) + fields_now * kept._BYTES_PER_PLANNED_FIELD
    assert max(counted) == kept._MAX_PLANS_PER_DOCUMENT


def test_a_large_plan_pushes_out_small_ones() -> None:
    """What a plan counts as is its own size, however short its text is."""
    engine = schema().engine
    documents = DocumentCache(most_bytes=10_000 * kept._BYTES_PER_PLANNED_FIELD)
    small = documents.get_or_add(parse("{ thing { name } }"))
    large = documents.get_or_add(parse(_exponential(12)))
    for document in (small, large):
        operation = document.operation(None)
        assert operation is not None
        documents.plan(document, operation.node, {}, engine._plan)
    assert documents.find(small.text) is None
    assert documents.bytes <= 10_000 * kept._BYTES_PER_PLANNED_FIELD


async def test_many_different_operations_leave_memory_flat() -> None:
    """Beyond what is kept, an operation leaves nothing: measured in what Python has allocated."""
    asked = schema()
    engine = asked.engine
    engine.documents = DocumentCache(most_texts=50)

    async def execute(numbers: range) -> int:
        for number in numbers:
            document = parse(f"{{ thing {{ a{number}: double(number: {number}) }} }}")
            result: Any = await engine.execute(asked._schema, document, context_value="x")  # type: ignore[misc]
            assert result.data == {"thing": {f"a{number}": 2 * number}}
        gc.collect()  # what a plan consists of leads in circles
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start(1)
    try:
        await execute(range(300))  # whatever else is kept by those who parse and compile
        before = await execute(range(300, 600))
        after = await execute(range(600, 2100))
    finally:
        tracemalloc.stop()
    # Had each of the 1,500 left as much as a parsed text alone, these would be several megabytes.
    assert after - before < 300_000
    assert len(engine.documents) == 50


def _exponential(depth: int) -> str:
    fragments = [
        f"fragment F{level} on Thing {{ a: next {{ ...F{level + 1} }} b: next {{ ...F{level + 1} }} }}"
        for level in range(depth)
    ]
    return "\n".join(["{ thing { ...F0 } }", *fragments, f"fragment F{depth} on Thing {{ name }}"])


@pytest.mark.parametrize("depth", [14, 20, 25])
async def test_fragments_that_mean_too_much_are_refused_fast(depth: int) -> None:
    """A text of a kilobyte that means millions of fields is refused as soon as it means too many."""
    engine = schema().engine
    document = parse(_exponential(depth))
    began = time.process_time()
    asked: Any = engine.execute(schema()._schema, document, context_value="x")
    answer = await asked
    assert time.process_time() - began < 10
    assert (answer.data, [error.message for error in answer.errors]) == (
        None,
        [f"The operation selects more than {MAX_PLANNED_FIELDS} fields."],
    )


def test_fragments_that_are_spread_twice_each_are_looked_into_once() -> None:
    """Where they mean few fields: for the plan, and for the names that a batch is told of."""
    depth = 60
    fragments = [f"fragment F{level} on Thing {{ ...F{level + 1} ...F{level + 1} }}" for level in range(depth)]
    text = "\n".join(["{ thing { next { ...F0 } } }", *fragments, f"fragment F{depth} on Thing {{ name }}"])
    engine = schema().engine
    document = Document(text, parse(text))
    operation = document.operation(None)
    assert operation is not None
    plan = engine.documents.plan(document, operation.node, {}, engine._plan)
    (thing,) = plan.root.fields
    (following,) = thing.selections["Thing"].fields
    assert following.selected_names == ["name"]
    assert plan.fields == 3


def test_of_a_text_with_many_operations_no_more_plans_are_kept_than_of_any() -> None:
    engine = schema().engine
    text = " ".join(f"query Q{number} {{ thing {{ name }} }}" for number in range(2 * kept._MAX_PLANS_PER_DOCUMENT))
    document = engine.documents.get_or_add(parse(text))
    for number in range(2 * kept._MAX_PLANS_PER_DOCUMENT):
        operation = document.operation(f"Q{number}")
        assert operation is not None
        engine.documents.plan_for(kept.DocumentOperation(document, operation), {}, engine._plan)
        assert operation.plan is None
    assert len(document.plans) == kept._MAX_PLANS_PER_DOCUMENT


def test_where_there_can_be_one_plan_only_it_is_not_looked_for() -> None:
    engine = schema().engine
    for text, only in (("{ thing { name } }", True), ("query ($a: Boolean!) { thing { name @skip(if: $a) } }", False)):
        document = engine.documents.get_or_add(parse(text))
        operation = document.operation(None)
        assert operation is not None
        plan = engine.documents.plan_for(kept.DocumentOperation(document, operation), {"a": False}, engine._plan)
        assert (operation.plan is plan) is only
        assert (
            engine.documents.plan_for(kept.DocumentOperation(document, operation), {"a": False}, engine._plan) is plan
        )
