"""A step whose resolver was called, with the values that the resolver returned."""

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
    """The containers in the response that the values are set in."""
    values: list[Any]
    await_batch: AwaitBatch | None = None
    """Awaits the values in one call, if all of them allow it."""
    projection: Projection | None = None
    """The projection of the values, if the resolver returned a call that takes the selection."""

    def pending_indexes(self) -> list[int]:
        """Return the indexes of the values that have to be awaited."""
        return [index for index, value in enumerate(self.values) if is_awaitable(value)]

    def close_coroutines(self) -> None:
        """Close the coroutines that were not awaited."""
        for value in self.values:
            if type(value) is CoroutineType:
                value.close()


def is_awaitable(value: Any) -> bool:
    kind = type(value)
    return kind is CoroutineType or hasattr(kind, "__await__") or (kind is GeneratorType and isawaitable(value))
