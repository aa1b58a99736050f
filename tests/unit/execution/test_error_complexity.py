"""Errors take time linear to their number, and at most three times the steps of graphql-core."""

from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest
import strawberry
from graphql import parse, specified_rules
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema
from strawberry.schema.schema import validate_document

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.schema import PlanningSchema
from services.chassis.rpc.raw_result import RawResult
from tests.support.hypothesis_profiles import max_examples, property_test
from tests.unit.execution import test_equivalence_of_kierto as kierto
from tests.unit.execution.equivalence import check_equivalent
from tests.unit.execution.executed_lines import count_lines
from tests.unit.execution.generated_services import GeneratedContext
from tests.unit.execution.random_operations import RandomOperation
from tests.unit.execution.schemas import full, literal
from tests.unit.execution.schemas.full_values import LaterValue, Thing
from tests.unit.execution.schemas.literal import Cat, it

MANY = 60
MAX_RATIO = 3
TIMES = 60
"""The factor of list lengths over those in tests of equivalence."""


class Broken(Exception):
    """A failure."""


class Interpreted(strawberry.Schema):
    """A schema executed by graphql-core, which does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


WRITTEN = Interpreted(literal.Query, literal.Mutation, types=[Cat, literal.Dog])


class LiteralContext(list[Any]):
    """The context of the resolvers of ``literal``."""

    loader = full.SingleLoader()


def several(make: Callable[[], Any]) -> Callable[[int], Any]:
    """Return the function that makes a list of these, of a given length."""
    return lambda many: it(may_its=[make() for _ in range(many)])


ERROR_CASES: dict[str, tuple[str, Callable[[int], Any]]] = {
    "a leaf that must not be null": ("mayIts { must }", several(lambda: it(must=None))),
    "a leaf that may be null": ("mayIts { text }", several(lambda: it(text=Broken("b")))),
    "a step that must not be null": ("mayIts { mustCalled { text } }", several(lambda: it(must_called=Broken("b")))),
    "a step that may be null": ("mayIts { called { text } }", several(lambda: it(called=Broken("b")))),
    "below a step": ("mayIts { called { must } }", several(lambda: it(called=it(must=None)))),
    "a batch, one by one": ("mayIts { mustBatched { text } }", several(lambda: it(batched=Broken("b")))),
    "a batch that fails": ("mayIts { whole { text } }", several(it)),
    "not null in a list": ("mayIts { texts }", several(lambda: it(texts=["a", None]))),
    "lists in lists": ("loose", lambda many: it(loose=[[1, "x", 2] for _ in range(many)])),
    "a long list in a list": ("loose", lambda many: it(loose=[[1, *["x"] * many]])),
    "awaited in lists in lists": (
        "loose",
        lambda many: it(loose=[[1, LaterValue(Broken("b")), LaterValue(2)] for _ in range(many)]),
    ),
    "not null in lists in lists": ("mayIts { matrix }", several(lambda: it(matrix=[[1], [2, None]]))),
    "an abstract type": ("mayIts { pet { ... on Cat { lives } } }", several(lambda: it(pet=cat()))),
    "a list of an abstract type": ("mayIts { pets { ... on Cat { lives } } }", several(lambda: it(pets=[cat()]))),
    "not of the abstract type": ("mayIts { animal { name } }", several(lambda: it(animal=3))),
    "awaited": ("mayIts { must }", several(lambda: it(must=LaterValue(Broken("b"))))),
    "awaited, one within the other": (
        "mayIts { it { must } }",
        several(lambda: it(it=LaterValue(it(must=LaterValue(None))))),
    ),
    "several depths": (
        "mayIts { text number mayIts { must called { must } } mustIt { mustBatched { must } } }",
        several(
            lambda: it(
                text=Broken("b"),
                number="x",
                may_its=[it(must="m", called=it(must=None)), it(must=None, called=None)],
                must_it=it(batched=it(must=Broken("b"))),
            )
        ),
    ),
    "steps below what is null": (
        "mayIts { must mustCalled { text } called { text } batched { text } mustBatched { text } }",
        several(lambda: it(must=None)),
    ),
    "all in one that is null": ("its { mustCalled { text } }", lambda many: it(its=[it(must_called=None)] * many)),
    "some of many": (
        "mayIts { text mustCalled { must } }",
        lambda many: it(may_its=[it(text="x", must_called=it(must="m" if n % 7 else None)) for n in range(many)]),
    ),
    "no error, but paths": ("mayIts { place mustIt { place } }", several(lambda: it(must_it=it()))),
}


def cat() -> Cat:
    """Return a cat with a wrong value."""
    return Cat(name="c", lives=cast(int, None))


async def line_count(schema: Any, text: str, value: Any) -> tuple[Any, int]:
    """Return the result for an ``it`` and its executed lines, after a first execution that fills the caches."""
    await schema.execute(text, context_value=LiteralContext([Broken("b")]), root_value=value)
    return await count_lines(schema.execute(text, context_value=LiteralContext([Broken("b")]), root_value=value))


def check_linear(once: int, twice: int) -> None:
    """Fail if twice the input takes more than twice the lines."""
    assert twice <= 2.1 * once, (once, twice)


@pytest.mark.parametrize("case", ERROR_CASES)
async def test_twice_as_many_errors_take_twice_the_steps(case: str) -> None:
    selection, make = ERROR_CASES[case]
    text = f"{{ it {{ {selection} }} }}"
    _, once = await line_count(literal.SCHEMA, text, make(MANY))
    ours, twice = await line_count(literal.SCHEMA, text, make(2 * MANY))
    check_linear(once, twice)
    theirs, core_lines = await line_count(WRITTEN, text, make(2 * MANY))
    check_equivalent(ours, theirs)
    assert twice <= MAX_RATIO * core_lines


async def test_twice_as_many_fields_take_twice_the_steps() -> None:
    def text(many: int) -> str:
        fields = " ".join(f"a{number}: mustCalled {{ text }}" for number in range(many))
        return f"{{ it {{ mayIts {{ {fields} }} }} }}"

    value = it(may_its=[it(must_called=Broken("b"))] * 10)
    _, once = await line_count(literal.SCHEMA, text(MANY), value)
    _, twice = await line_count(literal.SCHEMA, text(2 * MANY), value)
    check_linear(once, twice)


@pytest.mark.parametrize("fields", ["called { text }", "called { text } called { must }"])
async def test_lines_of_a_text_are_not_counted_for_each_error(fields: str) -> None:
    def text(many: int) -> str:
        return "\n" * 10 * many + f"{{ it {{ mayIts {{ {fields} }} }} }}"

    make = several(lambda: it(called=Broken("b")))
    _, once = await line_count(literal.SCHEMA, text(MANY), make(MANY))
    _, twice = await line_count(literal.SCHEMA, text(2 * MANY), make(2 * MANY))
    check_linear(once, twice)


class Inner(msgspec.Struct):
    key: str


class Outer(msgspec.Struct):
    inner: Inner | None
    several: list[Inner | None]
    nested: list[list[Inner] | None]


async def _joined(parents: list[Any], info: strawberry.Info) -> list[str]:
    return [cast(Any, Broken("b")) if parent.key == "bad" else parent.key for parent in parents]


async def _fails(parents: list[Any], info: strawberry.Info) -> list[str]:
    raise Broken("all")


@strawberry.type(name="Inner")
class GraphInner:
    key: str
    joined = batch(_joined, graphql_type=str, needs=["key"])
    may_join = batch(_joined, graphql_type=str | None, needs=["key"])
    fails = batch(_fails, graphql_type=str | None, needs=["key"])


@strawberry.type(name="Outer")
class GraphOuter:
    inner: GraphInner | None
    several: list[GraphInner | None]
    nested: list[list[GraphInner] | None]


@strawberry.type
class Query:
    @strawberry.field
    async def outers(self) -> list[GraphOuter]:
        """The raw result, for the planning executor."""
        return vars(self)["outers"]()  # type: ignore[no-any-return]


class Planned(PlanningSchema):
    """A schema executed by plans, which does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


PROJECTED, DECODED = Planned(Query), Interpreted(Query)

BAD = {"key": "bad"}
PROJECTED_ERROR_CASES: dict[str, tuple[str, Any]] = {
    "of joins": ("several { joined }", {"several": [BAD, {"key": "a"}, BAD]}),
    "of joins that may be null": ("inner { mayJoin } several { mayJoin }", {"inner": BAD, "several": [BAD, None]}),
    "of a join that fails": ("several { fails }", {"several": [BAD, BAD]}),
    "of joins in lists in lists": ("nested { joined mayJoin }", {"nested": [[{"key": "a"}, BAD], [BAD]]}),
    "of what is not as declared": ("several { key joined }", {"several": [BAD, {"key": 3}]}),
}


@pytest.mark.parametrize("case", PROJECTED_ERROR_CASES)
async def test_twice_as_many_errors_in_projections_take_twice_the_steps(case: str) -> None:
    selection, one = PROJECTED_ERROR_CASES[case]
    text = f"{{ outers {{ {selection} }} }}"

    def value(many: int, *, decoded: bool = False) -> Any:
        sent = RawResult(msgspec.json.encode([{"inner": None, "several": [], "nested": []} | one] * many), list[Outer])
        return it(outers=sent.decoded if decoded else lambda: sent)

    _, once = await line_count(PROJECTED, text, value(MANY))
    ours, twice = await line_count(PROJECTED, text, value(2 * MANY))
    check_linear(once, twice)
    theirs, core_lines = await line_count(DECODED, text, value(2 * MANY, decoded=True))
    check_equivalent(ours, theirs)
    assert twice <= MAX_RATIO * core_lines


OPERATIONS = from_schema(full.SCHEMA.as_str())


async def check_operation(text: str, seed: str, wrong: int, variables: dict[str, Any]) -> bool:
    """Fail if an operation takes too many lines; return whether its execution had errors."""

    async def once(schema: Any) -> Any:
        root = Thing("Query", seed, wrong, TIMES)
        return await schema.execute(text, dict(variables), context_value=full.FullContext(), root_value=root)

    ours, theirs = await once(full.PLANNED), await once(full.SCHEMA)
    check_equivalent(ours, theirs)
    if not (ours.errors and ours.errors[0].path):
        return False
    _, lines = await count_lines(once(full.PLANNED))
    _, core_lines = await count_lines(once(full.SCHEMA))
    assert lines <= MAX_RATIO * core_lines, (text, variables, lines, core_lines)
    return True


@pytest.mark.parametrize("wrong", [30, 200, 600])
@settings(
    max_examples=max_examples(40), phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
async def test_operations_of_hypothesis_with_long_lists(wrong: int, data: st.DataObject) -> None:
    text = data.draw(OPERATIONS)
    assume(not validate_document(full.SCHEMA._schema, parse(text), specified_rules))
    await check_operation(text, data.draw(st.text("abc", max_size=3)), wrong, {})


@property_test
@pytest.mark.parametrize("wrong", [30, 200, 600])
async def test_operations_with_fragments_arguments_and_variables_with_long_lists(wrong: int) -> None:
    failed, drawn = 0, max_examples(80)
    for seed in range(drawn):
        operation = RandomOperation(full.SCHEMA._schema, seed)
        failed += await check_operation(operation.text, str(seed % 7), wrong, operation.variables)
    assert failed > drawn / 8, "many of them must fail"


@property_test
@pytest.mark.parametrize("wrong", [50, 300])
@pytest.mark.parametrize("picks", [False, True])
async def test_operations_of_kierto(wrong: int, picks: bool) -> None:
    failed, drawn = 0, max_examples(80)
    for seed in range(drawn):
        operation = RandomOperation(kierto.PLANNED._schema, seed)
        failed += await check_operation_of_kierto(operation, seed, wrong, picks=picks)
    assert failed > drawn / 8, "many of them must fail"


async def check_operation_of_kierto(operation: RandomOperation, seed: int, wrong: int, *, picks: bool) -> bool:
    """Do the same for an operation of Kierto's schema."""

    def ours() -> Any:
        return once(kierto.PLANNED, passes_on=True, picks=picks)

    def theirs() -> Any:
        return once(kierto.INTERPRETED, passes_on=False)

    async def once(schema: Any, **options: bool) -> Any:
        context = GeneratedContext(str(seed % 7), wrong, **options)
        return await schema.execute(operation.text, dict(operation.variables), context_value=context)

    answer = await ours()
    check_equivalent(answer, await theirs())
    if not (answer.errors and answer.errors[0].path):
        return False
    _, lines = await count_lines(ours())
    _, core_lines = await count_lines(theirs())
    assert lines <= MAX_RATIO * core_lines, (operation.text, operation.variables, lines, core_lines)
    return True
