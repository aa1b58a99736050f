"""A plan depends on the text, the operation's name and the variables in @skip and @include alone."""

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

from gateway.execution.documents import (
    _BYTES_PER_PLANNED_FIELD,
    _MAX_PLANS_PER_DOCUMENT,
    Document,
    DocumentCache,
    DocumentOperation,
)
from gateway.execution.planning.plan import Plan
from gateway.execution.planning.planner import MAX_PLANNED_FIELDS
from gateway.execution.strawberry.schema import PlanningSchema
from tests.support.hypothesis_profiles import max_examples
from tests.unit.execution.schemas.recursion import schema

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


async def plan_and_answer(planning_schema: PlanningSchema, request: dict[str, Any]) -> tuple[Plan, Any]:
    """Return the plan that executed a request, and the data."""
    used: list[Plan] = []
    engine = planning_schema.engine
    find = engine.documents.plan

    def record(*arguments: Any) -> Plan:
        used.append(find(*arguments))
        return used[-1]

    engine.documents.plan = record  # type: ignore[method-assign, assignment]
    try:
        variables = {name: request[name] for name in ("skip", "number")}
        if request["include"] is not None:
            variables["include"] = request["include"]
        result = await planning_schema.execute(
            request["text"], variables, operation_name=request["operation"], context_value=request["caller"]
        )
    finally:
        engine.documents.plan = find  # type: ignore[method-assign]
    assert result.errors is None
    (plan,) = used
    return plan, result.data


def expected(request: dict[str, Any]) -> dict[str, Any]:
    """Return the expected data."""
    include = request["include"] is not False
    shown: dict[str, Any] = {} if request["skip"] else {"name": request["caller"]}
    shown["__typename"] = "Thing"
    if include is (request["operation"] == "A"):
        shown["double"] = 2 * request["number"]
    return {"thing": shown}


DEPENDS_ON = {"text", "operation", "skip", "include"}


def _value_or_default(request: dict[str, Any], name: str) -> Any:
    """Return the given value, or its default."""
    return True if request[name] is None else request[name]


@pytest.mark.parametrize("change", sorted({*DEPENDS_ON, "number", "caller"}))
@settings(max_examples=max_examples(25))
@given(request=REQUESTS, other=REQUESTS)
async def test_one_change_at_a_time(change: str, request: dict[str, Any], other: dict[str, Any]) -> None:
    planning_schema = schema()
    changed = {**request, change: other[change]}
    same = all(_value_or_default(request, name) == _value_or_default(changed, name) for name in DEPENDS_ON)
    first, result = await plan_and_answer(planning_schema, request)
    second, changed_answer = await plan_and_answer(planning_schema, changed)
    again, _ = await plan_and_answer(planning_schema, request)
    assert (first is second) is same
    assert again is first, "plans are cached"
    assert (result, changed_answer) == (expected(request), expected(changed))


async def test_schemas_do_not_share_plans() -> None:
    """Two schemas have different plans for one text."""

    @strawberry.type(name="Query")
    class Other:
        @strawberry.field
        def thing(self) -> int:
            """A number."""
            return 1

    text = "{ thing { name } }"
    one, twin, other = schema(), schema(), PlanningSchema(Other)
    for _ in range(2):
        assert (await one.execute(text, context_value="x")).data == {"thing": {"name": "x"}}
        assert (await twin.execute(text, context_value="y")).data == {"thing": {"name": "y"}}
        assert (await other.execute("{ thing }")).data == {"thing": 1}
        assert (await other.execute(text)).errors
    assert _only_plan(one, text) is not _only_plan(twin, text)


def _only_plan(planning_schema: PlanningSchema, text: str) -> Plan:
    document = planning_schema.engine.documents.find(text)
    assert document is not None
    (plan,) = document.plans.values()
    return plan


async def test_extensions_that_wrap_fields_have_their_own_plans() -> None:
    """Extensions may differ between requests; an operation has another plan if they wrap every field."""
    seen: list[str] = []

    class Watch(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    planning_schema = schema()
    for watched in (False, True, False):
        planning_schema.extensions = (Watch,) if watched else ()
        assert (await planning_schema.execute("{ thing { name } }", context_value="x")).data == {"thing": {"name": "x"}}
        assert seen == (["thing", "name"] if watched else [])
        seen.clear()


def test_plans_of_one_text_are_bounded() -> None:
    """The number of plans is bounded; evicted plans no longer count."""
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
        assert engine.documents.bytes == len(text) + fields_now * _BYTES_PER_PLANNED_FIELD
    assert max(counted) == _MAX_PLANS_PER_DOCUMENT


def test_a_large_plan_evicts_small_ones() -> None:
    """The size of a plan counts, however short its text is."""
    engine = schema().engine
    documents = DocumentCache(max_bytes=10_000 * _BYTES_PER_PLANNED_FIELD)
    small = documents.get_or_add(parse("{ thing { name } }"))
    large = documents.get_or_add(parse(_exponential(12)))
    for document in (small, large):
        operation = document.operation(None)
        assert operation is not None
        documents.plan(document, operation.node, {}, engine._plan)
    assert documents.find(small.text) is None
    assert documents.bytes <= 10_000 * _BYTES_PER_PLANNED_FIELD


async def test_many_different_operations_do_not_grow_memory() -> None:
    """An evicted operation leaves no memory allocated by Python."""
    planning_schema = schema()
    engine = planning_schema.engine
    engine.documents = DocumentCache(max_documents=50)

    async def execute(numbers: range) -> int:
        for number in numbers:
            document = parse(f"{{ thing {{ a{number}: double(number: {number}) }} }}")
            result: Any = await engine.execute(planning_schema._schema, document, context_value="x")  # type: ignore[misc]
            assert result.data == {"thing": {f"a{number}": 2 * number}}
        gc.collect()  # what a plan consists of leads in circles
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start(1)
    try:
        await execute(range(300))  # caches of the parser and the compiler fill
        before = await execute(range(300, 600))
        after = await execute(range(600, 2100))
    finally:
        tracemalloc.stop()
    # The syntax trees of 1,500 texts alone would be several megabytes.
    assert after - before < 300_000
    assert len(engine.documents) == 50


def _exponential(depth: int) -> str:
    fragments = [
        f"fragment F{level} on Thing {{ a: next {{ ...F{level + 1} }} b: next {{ ...F{level + 1} }} }}"
        for level in range(depth)
    ]
    return "\n".join(["{ thing { ...F0 } }", *fragments, f"fragment F{depth} on Thing {{ name }}"])


@pytest.mark.parametrize("depth", [14, 20, 25])
async def test_exponential_fragments_are_rejected_fast(depth: int) -> None:
    """A text of a kilobyte that selects millions of fields is rejected at the first field too many."""
    engine = schema().engine
    document = parse(_exponential(depth))
    began = time.process_time()
    execution: Any = engine.execute(schema()._schema, document, context_value="x")
    result = await execution
    assert time.process_time() - began < 10
    assert (result.data, [error.message for error in result.errors]) == (
        None,
        [f"The operation selects more than {MAX_PLANNED_FIELDS} fields."],
    )


def test_fragments_spread_twice_are_visited_once() -> None:
    """Nested fragments with few fields: in the plan, and in the selected names of a batch."""
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


def test_plans_of_a_text_with_many_operations_are_bounded() -> None:
    engine = schema().engine
    text = " ".join(f"query Q{number} {{ thing {{ name }} }}" for number in range(2 * _MAX_PLANS_PER_DOCUMENT))
    document = engine.documents.get_or_add(parse(text))
    for number in range(2 * _MAX_PLANS_PER_DOCUMENT):
        operation = document.operation(f"Q{number}")
        assert operation is not None
        engine.documents.plan_for(DocumentOperation(document, operation), {}, engine._plan)
        assert operation.plan is None
    assert len(document.plans) == _MAX_PLANS_PER_DOCUMENT


def test_the_only_plan_of_a_document_is_kept_with_its_operation() -> None:
    engine = schema().engine
    for text, only in (("{ thing { name } }", True), ("query ($a: Boolean!) { thing { name @skip(if: $a) } }", False)):
        document = engine.documents.get_or_add(parse(text))
        operation = document.operation(None)
        assert operation is not None
        plan = engine.documents.plan_for(DocumentOperation(document, operation), {"a": False}, engine._plan)
        assert (operation.plan is plan) is only
        assert engine.documents.plan_for(DocumentOperation(document, operation), {"a": False}, engine._plan) is plan
