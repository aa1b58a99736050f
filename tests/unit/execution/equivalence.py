"""Comparison of two executors' results: the same data, keys in the same order, and the same errors."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from services.chassis.telemetry import metrics


def check_equivalent(ours: Any, theirs: Any) -> None:
    """Fail unless two results are equal, except for the choice among errors that propagate to the same null.

    A response has to report only one of them (specification, section 6.4.4).
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
    """Fail if an operation in the block falls back on graphql-core; yield the count of executions by plan."""

    def count(path: str) -> int:
        samples = [one for metric in metrics.EXECUTIONS.collect() for one in metric.samples]
        return int(sum(one.value for one in samples if one.name.endswith("_total") and one.labels["path"] == path))

    planned, fallen_back = count("plan"), count("graphql-core")
    yield lambda: count("plan") - planned
    assert count("graphql-core") == fallen_back, "graphql-core was compared with itself"


def _scalar_value(value: Any) -> str:
    """Return the JSON of a value that a scalar without coercion has passed through."""
    return type(value).__name__


def _errors(errors: Any) -> set[str]:
    return {
        json.dumps([error.path, str(error.message), [[one.line, one.column] for one in error.locations or []]])
        for error in errors or []
    }


def _under_null(odd: str, reported: str, data: Any) -> bool:
    """Return whether two errors propagate to the same null."""
    path, other = json.loads(odd)[0] or [], json.loads(reported)[0] or []
    here = data
    for key, same in zip(path, other, strict=False):
        if here is None:
            return True
        if key != same:
            return False
        here = here[key] if isinstance(here, dict | list) else None
    return here is None
