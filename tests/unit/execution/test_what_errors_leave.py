"""An execution with errors is freed at once, when these are released: nothing of it hangs in a cycle."""

import gc
from typing import Any

import msgspec
import pytest

from gateway.execution.run import Run
from services.chassis import garbage
from services.chassis.rpc.undecoded import Undecoded
from tests.unit.execution import written
from tests.unit.execution.test_steps_of_errors import PUSHED, PUSHED_WAYS, WAYS, Broken, Context, Outer
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


async def test_of_resolvers_that_raise() -> None:
    """Also where something around them is null already, so that nobody is told."""
    value = it(may_its=[it(must=None, must_called=Broken("b"), called=Broken("b"), batched=Broken("b"))] * 3)
    text = "{ it { mayIts { mustCalled { text } called { text } mustBatched { text } whole { text } } } }"
    await check_freed(written.SCHEMA, text, value)
