"""Count of executed lines of Python: a measure of work that does not depend on the machine or its load."""

import sys
from collections.abc import Awaitable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class LineCounter:
    """Counts the trace events of the code in its block."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "LineCounter":
        self._before = sys.gettrace()
        sys.settrace(self._step)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.count += 1
        return self._step


async def count_lines(awaitable: Awaitable[T]) -> tuple[T, int]:
    """Return the result of an awaitable, and the lines that it executed."""
    with LineCounter() as steps:
        value = await awaitable
    return value, steps.count
