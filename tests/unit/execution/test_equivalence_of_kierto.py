"""Results by plan equal those of graphql-core, for random operations on Kierto's schema and random service results."""

from typing import Any

import pytest
from graphql import execute, get_named_type, is_object_type, is_union_type, parse, specified_rules
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema
from strawberry.schema.schema import validate_document

from gateway.schema.builder import KiertoSchema, build_schema
from services.chassis.telemetry import metrics
from tests.support.graph_scalars import SCALARS
from tests.support.hypothesis_profiles import max_examples, property_test
from tests.unit.execution.equivalence import check_equivalent, no_fallback
from tests.unit.execution.generated_services import GeneratedContext
from tests.unit.execution.random_operations import RandomOperation


class Planned(KiertoSchema):
    """Kierto's schema, executed by plans. It does not log the many random errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


class Interpreted(Planned):
    """The same, executed by graphql-core."""

    def _get_execute_function(self) -> Any:
        return execute


PLANNED, INTERPRETED = build_schema(Planned), build_schema(Interpreted)

OPERATIONS = from_schema(
    PLANNED.as_str(),
    custom_scalars=SCALARS,
)


async def execute_both(
    text: str,
    seed: str,
    wrong: int,
    variables: dict[str, Any] | None = None,
    *,
    deep: bool = False,
    picks: bool = False,
) -> tuple[Any, Any]:
    """Return the results of the planning executor and of graphql-core."""
    given = dict(variables or {})
    context = GeneratedContext(seed, wrong, passes_on=True, picks=picks, deep=deep)
    ours = await PLANNED.execute(text, given, context_value=context)
    theirs = await INTERPRETED.execute(
        text, given, context_value=GeneratedContext(seed, wrong, passes_on=False, deep=deep)
    )
    return ours, theirs


@pytest.mark.parametrize("wrong", [0, 10, 100])
@settings(
    max_examples=max_examples(60), phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
async def test_operations_of_hypothesis(wrong: int, data: st.DataObject) -> None:
    text = data.draw(OPERATIONS)
    assume(not validate_document(PLANNED._schema, parse(text), specified_rules))
    seed = data.draw(st.text("abc", max_size=3))
    with no_fallback() as planned:
        check_equivalent(*await execute_both(text, seed, wrong))
        check_equivalent(*await execute_both(text, seed, wrong, picks=True))
        assert planned() == 2


@property_test
@pytest.mark.parametrize("wrong", [0, 5, 50])
@pytest.mark.parametrize("root", ["query", "mutation"])
async def test_operations_with_fragments_arguments_and_variables(root: str, wrong: int) -> None:
    executed, drawn = 0, max_examples(120)
    with no_fallback() as planned:
        for seed in range(drawn):
            operation = RandomOperation(PLANNED._schema, seed, root)
            ours, theirs = await execute_both(
                operation.text, str(seed % 7), wrong, operation.variables, picks=seed % 2 == 0
            )
            try:
                check_equivalent(ours, theirs)
            except AssertionError:
                print(operation.text, operation.variables, seed)
                raise
            executed += ours.data is not None or bool(ours.errors and ours.errors[0].path)
        assert planned() >= executed > 0.75 * drawn, "most of them must be valid"


def attributes(kind: Any) -> str:
    """Return a selection of all attributes of a type, as services send them."""
    named = get_named_type(kind)
    if is_union_type(named):
        return "{ " + " ".join(f"... on {one} {attributes(one)}" for one in named.types) + " }"
    if not is_object_type(named):
        return ""
    shown = [
        f"{name} {attributes(field.type)}"
        for name, field in named.fields.items()
        if field.extensions["strawberry-definition"].is_basic_field
    ]
    return "{ " + " ".join(["__typename", *shown]) + " }"


def _own(type_name: str, field: str = "") -> str:
    kind: Any = PLANNED._schema.get_type(type_name)
    return attributes(kind.fields[field].type if field else kind)


PROJECTED = {
    name: f"{{ {name}{arguments} {_own('Query', name)} }}"
    for name, arguments in {
        "me": "",
        "sites": "",
        "orders": "",
        "tickets": "",
        "partners": "",
        "events": "",
        "volumes": '(since: "2026-01-01", until: "2026-02-01")',
    }.items()
}
# The attributes that the graph hides are selected by the fields that need them.
PROJECTED["tickets"] = f"""{{ tickets {{
    __typename pageInfo {_own("PageInfo")} totalCount removed edges {{ __typename cursor node {{
    {_own("Ticket")[1:-1]}
    openedBy {{ __typename name }}
    assignee {{ __typename name }}
}} }} }} }}"""
PROJECTED["joined"] = f"""{{ sites {{ pageInfo {_own("PageInfo")} totalCount removed edges {{ cursor node {{
    {_own("Site")[1:-1]}
    agreements {_own("Site", "agreements")}
    calendar(since: "2026-01-01", until: "2026-02-01") {_own("Site", "calendar")}
    openOrderCount
}} }} }} }}"""


@property_test
@pytest.mark.parametrize("name", PROJECTED)
@pytest.mark.parametrize("wrong", [0, 2, 20])
async def test_service_results_are_as_declared_or_an_error(name: str, wrong: int) -> None:
    projected, partial = completion_count("projected"), completion_count("partial")
    for seed in range(max_examples(40)):
        check_equivalent(*await execute_both(PROJECTED[name], str(seed), wrong, deep=True))
    for seed in range(max_examples(40)):
        check_equivalent(*await execute_both(PROJECTED[name], str(seed), wrong, deep=True, picks=True))
    if not wrong:
        # The languages of `me` differ: FI in GraphQL, fi in services. The gateway gives events their types.
        assert (completion_count("projected") > projected) is (name not in ("me", "events"))
        assert (completion_count("partial") > partial) is (name in SELECTED)


SELECTED = {"sites", "orders", "tickets", "partners", "joined"}
"""The operations whose results services restrict to the selection."""


def completion_count(name: str) -> int:
    """Return the number of completions by a path, or for a reason."""
    samples = [one for metric in metrics.COMPLETIONS.collect() for one in metric.samples]
    return int(sum(one.value for one in samples if one.name.endswith("_total") and name in one.labels.values()))
