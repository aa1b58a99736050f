"""A step whose resolver was called, and the values that it gave."""

from inspect import isawaitable
from types import CoroutineType, GeneratorType
from typing import Any

import msgspec

from gateway.execution.planning.plan import AwaitBatch, Field, Projection
from gateway.execution.state.response import ResponseContainer


class DispatchedStep(msgspec.Struct, eq=False):
    """A dispatched step, with a value for each parent, or with one for all parents of a batch."""

    step: Field
    containers: list[ResponseContainer]
    """The parts of the response that the values are put into."""
    values: list[Any]
    await_batch: AwaitBatch | None = None
    """Awaits the values together, if all of them can be."""
    projection: Projection | None = None
    """The projection of the values, where the service was told what is selected."""

    def pending_indexes(self) -> list[int]:
        """Return the places of the values that have to be awaited."""
        return [index for index, one in enumerate(self.values) if is_awaitable(one)]

    def close_coroutines(self) -> None:
        """Close the coroutines that were not awaited."""
        for one in self.values:
            if type(one) is CoroutineType:
                one.close()


def is_awaitable(value: Any) -> bool:
    kind = type(value)
    return kind is CoroutineType or hasattr(kind, "__await__") or (kind is GeneratorType and isawaitable(value))
