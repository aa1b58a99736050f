"""An execution with errors is freed once the errors are released: it is part of no reference cycle."""

import gc
from typing import Any

import msgspec
import pytest
import strawberry

from gateway.execution.state.execution_state import ExecutionState
from services.chassis.rpc.raw_result import RawResult
from services.chassis.runtime import gc_tuning
from tests.unit.execution.schemas import literal
from tests.unit.execution.schemas.literal import it
from tests.unit.execution.test_error_complexity import (
    ERROR_CASES,
    PROJECTED,
    PROJECTED_ERROR_CASES,
    Broken,
    LiteralContext,
    Outer,
    Planned,
)


def live_executions() -> int:
    """Return the number of executions in memory."""
    return sum(type(one) is ExecutionState for one in gc.get_objects())


async def check_freed(schema: Any, text: str, value: Any) -> None:
    """Fail if an execution is in memory after its errors were reported."""
    gc.collect()
    gc.disable()
    try:
        before = live_executions()
        result = await schema.execute(text, context_value=LiteralContext([Broken("b")]), root_value=value)
        for error in result.errors or ():
            gc_tuning.clear_tracebacks(error)
        del result
        assert live_executions() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("case", ERROR_CASES)
async def test_wrong_values(case: str) -> None:
    selection, make = ERROR_CASES[case]
    await check_freed(literal.SCHEMA, f"{{ it {{ {selection} }} }}", make(5))


@pytest.mark.parametrize("case", PROJECTED_ERROR_CASES)
async def test_projections(case: str) -> None:
    selection, one = PROJECTED_ERROR_CASES[case]
    sent = RawResult(msgspec.json.encode([{"inner": None, "several": [], "nested": []} | one] * 5), list[Outer])
    await check_freed(PROJECTED, f"{{ outers {{ {selection} }} }}", it(outers=lambda: sent))


@strawberry.type
class Part:
    """A type whose fields fail."""

    @strawberry.field
    def must(self) -> str:
        """Fail first, and null the parent."""
        raise Broken("first")

    @strawberry.field
    def may(self) -> str | None:
        """Fail after the parent was discarded."""
        raise Broken("second")


@strawberry.type
class Query:
    @strawberry.field
    def parts(self, many: int) -> list[Part | None]:
        """Parts."""
        return [Part() for _ in range(many)]


@pytest.mark.parametrize("many", [1, 3])
async def test_failures_that_are_not_reported(many: int) -> None:
    await check_freed(Planned(Query), f"{{ parts(many: {many}) {{ must may }} }}", None)
