"""Setting the same part of many containers, as fast as Python can."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.execution.plan import Field

Put = Callable[[Sequence[Any], Sequence[Any]], None]
"""Sets an attribute of some structs to some values, one each."""


@functools.lru_cache(maxsize=1000)
def setter(name: str) -> Put:
    """What sets this attribute."""
    names: dict[str, Any] = {}
    exec(f"def put(structs, values):\n for s, v in zip(structs, values): s.{name} = v", names)  # noqa: S102 - our own text
    put: Put = names["put"]
    return put


def put_all(step: "Field", containers: Sequence[Any], values: Sequence[Any]) -> None:
    """Set a step's value in each container: they are all of one kind, made by one selection."""
    if type(containers[0]) is dict:
        key = step.key
        for container, value in zip(containers, values, strict=True):
            container[key] = value
    else:
        step.put(containers, values)
