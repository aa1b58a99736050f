"""Results by plan equal those of graphql-core, for random operations and values in a schema with every feature."""

from typing import Any

import pytest
from graphql import parse, specified_rules
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema
from strawberry.schema.schema import validate_document

from tests.support.hypothesis_profiles import max_examples, property_test
from tests.unit.execution.equivalence import check_equivalent, no_fallback
from tests.unit.execution.random_operations import RandomOperation
from tests.unit.execution.schemas.full import PLANNED, SCHEMA, FullContext
from tests.unit.execution.schemas.full_values import Thing

OPERATIONS = from_schema(SCHEMA.as_str())


async def execute_both(
    text: str, seed: str = "0", wrong: int = 0, variables: dict[str, Any] | None = None
) -> tuple[Any, Any]:
    """Return the results of the planning executor and of graphql-core."""
    given = dict(variables or {})
    ours = await PLANNED.execute(text, given, context_value=FullContext(), root_value=Thing("Query", seed, wrong))
    theirs = await SCHEMA.execute(text, given, context_value=FullContext(), root_value=Thing("Query", seed, wrong))
    return ours, theirs


@pytest.mark.parametrize("wrong", [0, 30, 200])
@settings(phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_operations_of_hypothesis(wrong: int, data: st.DataObject) -> None:
    text = data.draw(OPERATIONS)
    assume(not validate_document(SCHEMA._schema, parse(text), specified_rules))
    seed = data.draw(st.text("abc", max_size=3))
    with no_fallback() as planned:
        check_equivalent(*await execute_both(text, seed, wrong))
        assert planned() == 1


@property_test
@pytest.mark.parametrize("wrong", [0, 5, 30, 200])
@pytest.mark.parametrize("part", range(2))
async def test_operations_with_fragments_arguments_and_variables(wrong: int, part: int) -> None:
    executed, drawn = 0, max_examples(200)
    with no_fallback() as planned:
        for seed in range(part * 200, part * 200 + drawn):
            operation = RandomOperation(SCHEMA._schema, seed)
            ours, theirs = await execute_both(operation.text, str(seed % 7), wrong, operation.variables)
            try:
                check_equivalent(ours, theirs)
            except AssertionError:
                print(operation.text, operation.variables, seed)
                raise
            executed += ours.data is not None or bool(ours.errors and ours.errors[0].path)
        assert planned() >= executed > 0.8 * drawn, "most of them must be valid"
