"""An execution with errors is freed at once, when these are released: nothing of it hangs in a cycle."""

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
    """Executions in the memory of this process."""
    return sum(type(one) is ExecutionState for one in gc.get_objects())


async def check_freed(schema: Any, text: str, value: Any) -> None:
    """Fails if something of an execution is left, once its errors were answered."""
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


@pytest.mark.parametrize("way", ERROR_CASES)
async def test_of_values_that_are_wrong(way: str) -> None:
    selection, make = ERROR_CASES[way]
    await check_freed(literal.SCHEMA, f"{{ it {{ {selection} }} }}", make(5))


@pytest.mark.parametrize("way", PROJECTED_ERROR_CASES)
async def test_of_json_that_is_pushed_down(way: str) -> None:
    selection, one = PROJECTED_ERROR_CASES[way]
    sent = RawResult(msgspec.json.encode([{"inner": None, "several": [], "nested": []} | one] * 5), list[Outer])
    await check_freed(PROJECTED, f"{{ outers {{ {selection} }} }}", it(outers=lambda: sent))


@strawberry.type
class Part:
    """Has nothing but failures."""

    @strawberry.field
    def must(self) -> str:
        """Fails first, and makes its parent null."""
        raise Broken("first")

    @strawberry.field
    def may(self) -> str | None:
        """Fails as well; by then there is no place any more that it could be told at."""
        raise Broken("second")


@strawberry.type
class Query:
    @strawberry.field
    def parts(self, many: int) -> list[Part | None]:
        """So many."""
        return [Part() for _ in range(many)]


@pytest.mark.parametrize("many", [1, 3])
async def test_of_failures_that_nobody_is_told_of(many: int) -> None:
    await check_freed(Planned(Query), f"{{ parts(many: {many}) {{ must may }} }}", None)
