"""Setting an attribute of many structs, as fast as Python can."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

Put = Callable[[Sequence[Any], Sequence[Any]], None]
"""Sets an attribute of some structs to some values, one each."""


@functools.lru_cache(maxsize=1000)
def setter(name: str) -> Put:
    """What sets this attribute."""
    names: dict[str, Any] = {}
    exec(f"def put(structs, values):\n for s, v in zip(structs, values): s.{name} = v", names)  # noqa: S102 - our own text
    put: Put = names["put"]
    return put
