"""An execution with errors is freed at once, when these are released: nothing of it hangs in a cycle."""

import gc
from typing import Any

import msgspec
import pytest
import strawberry

from gateway.execution.run import Run
from services.chassis import garbage
from services.chassis.rpc.undecoded import Undecoded
from tests.unit.execution import written
from tests.unit.execution.test_steps_of_errors import (
    PUSHED,
    PUSHED_WAYS,
    WAYS,
    Broken,
    Context,
    Outer,
    Planned,
)
from tests.unit.execution.written import it


def runs() -> int:
    """Executions in the memory of this process."""
    return sum(type(one) is Run for one in gc.get_objects())


async def check_freed(schema: Any, text: str, value: Any) -> None:
    """Fails if something of an execution is left, once its errors were answered."""
    gc.collect()
    gc.disable()
    try:
        before = runs()
        result = await schema.execute(text, context_value=Context([Broken("b")]), root_value=value)
        for error in result.errors or ():
            garbage.release(error)
        del result
        assert runs() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("way", WAYS)
async def test_of_values_that_are_wrong(way: str) -> None:
    selection, make = WAYS[way]
    await check_freed(written.SCHEMA, f"{{ it {{ {selection} }} }}", make(5))


@pytest.mark.parametrize("way", PUSHED_WAYS)
async def test_of_json_that_is_pushed_down(way: str) -> None:
    selection, one = PUSHED_WAYS[way]
    sent = Undecoded(msgspec.json.encode([{"inner": None, "several": [], "nested": []} | one] * 5), list[Outer])
    await check_freed(PUSHED, f"{{ outers {{ {selection} }} }}", it(outers=lambda: sent))


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
