"""Whether two executors gave the same answer: the same data, keys in the same order, and the same errors."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from services.chassis.telemetry import metrics


def check_equivalent(ours: Any, theirs: Any) -> None:
    """Fails unless they are the same, but for which of several errors is told that meet at one place that is null.

    Only one of them has to be (specification, section 6.4.4): which one is found first is up to the executor.
    """
    data = msgspec.json.encode(ours.data, enc_hook=_scalar_value)
    assert data == msgspec.json.encode(theirs.data, enc_hook=_scalar_value)
    shown = msgspec.json.decode(data)
    mine, other = _errors(ours.errors), _errors(theirs.errors)
    for odd in mine - other:
        assert any(_under_null(odd, one, shown) for one in other), (odd, other)
    for odd in other - mine:
        assert any(_under_null(odd, one, shown) for one in mine), (odd, mine)


@contextmanager
def no_fallback() -> Iterator[Callable[[], int]]:
    """Nothing in the block falls back on graphql-core; gives how many operations were executed by plan so far."""

    def count(path: str) -> int:
        samples = [one for metric in metrics.EXECUTIONS.collect() for one in metric.samples]
        return int(sum(one.value for one in samples if one.name.endswith("_total") and one.labels["path"] == path))

    planned, fallen_back = count("plan"), count("graphql-core")
    yield lambda: count("plan") - planned
    assert count("graphql-core") == fallen_back, "it was compared with itself"


def _scalar_value(value: Any) -> str:
    """What a scalar that lets everything through has let through."""
    return type(value).__name__


def _errors(errors: Any) -> set[str]:
    return {
        json.dumps([error.path, str(error.message), [[one.line, one.column] for one in error.locations or []]])
        for error in errors or []
    }


def _under_null(odd: str, told: str, data: Any) -> bool:
    """Whether two errors meet at or above a place that is null."""
    path, other = json.loads(odd)[0] or [], json.loads(told)[0] or []
    here = data
    for key, same in zip(path, other, strict=False):
        if here is None:
            return True
        if key != same:
            return False
        here = here[key] if isinstance(here, dict | list) else None
    return here is None
