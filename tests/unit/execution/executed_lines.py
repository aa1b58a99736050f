"""How much is done, in steps of Python: the lines that are executed. They are the same on any machine, busy or not."""

import sys
from collections.abc import Awaitable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class LineCounter:
    """Counts the steps of what runs within its block."""

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
    """Return what is awaited, and the steps that it took."""
    with LineCounter() as steps:
        value = await awaitable
    return value, steps.count
