"""Tracebacks are cleared, and reference cycles are collected once they hold too many bytes."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from services.chassis.runtime import gc_tuning


class Body:
    """An object of a frame; ``itself`` makes a reference cycle of it."""

    itself: "Body"


@pytest.fixture
def gc_disabled() -> Iterator[None]:
    """Switch automatic garbage collection off."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def failing(kept: list[Exception]) -> "weakref.ref[Body]":
    """Leave an exception that keeps a body alive and whose frame keeps the exception."""
    body = Body()
    own = kept
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("then") from error
    except ValueError as error:
        own.append(error)
    return weakref.ref(body)


def test_a_cleared_exception_releases_its_frames(gc_disabled: None) -> None:
    kept: list[Exception] = []
    body = failing(kept)
    assert body() is not None
    gc_tuning.clear_tracebacks(kept[0])
    assert body() is None
    assert isinstance(kept[0].__cause__, KeyError)


@pytest.mark.parametrize("link", ["__context__", "__cause__", "original_error"])
def test_linked_exceptions_are_cleared(gc_disabled: None, link: str) -> None:
    kept: list[Exception] = []
    body = failing(kept)
    last = RuntimeError("last")
    setattr(last, link, kept[0])
    gc_tuning.clear_tracebacks(last)
    assert body() is None


@pytest.mark.parametrize("name", ["errors", "exceptions"])
def test_grouped_exceptions_are_cleared(gc_disabled: None, name: str) -> None:
    kept: list[Exception] = []
    body = failing(kept)
    last = RuntimeError("last")
    setattr(last, name, kept)
    gc_tuning.clear_tracebacks(last)
    assert body() is None


def test_exceptions_that_are_each_others_cause_are_cleared() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__cause__ = other, one
    gc_tuning.clear_tracebacks(one)


def test_a_collection_runs_after_a_number_of_counted_bytes(gc_disabled: None) -> None:
    def cycle() -> "weakref.ref[Body]":
        body = Body()
        body.itself = body
        return weakref.ref(body)

    gc_tuning.count_garbage(gc_tuning.COLLECT_AFTER_BYTES + 1)
    one = cycle()
    gc_tuning.count_garbage(gc_tuning.COLLECT_AFTER_BYTES - 1)
    assert one() is not None
    gc_tuning.count_garbage(2)
    assert one() is None
