"""Coercion takes time linear to its input, and stops after the first errors."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLError

from gateway.execution.limits.operation_limits import OperationLimits
from gateway.execution.planning.variables import MAX_VARIABLE_ERRORS, compile_variable_coercion, count_list_items
from tests.unit.execution.executed_lines import LineCounter
from tests.unit.execution.test_variables import SCHEMA, operation

MANY = 100

Make = Callable[[int], Any]


def nested(depth: int, innermost: Any) -> Any:
    """Return nested points."""
    value: Any = {"x": innermost}
    for _ in range(depth):
        value = {"x": 1, "next": value}
    return value


INPUTS: dict[str, tuple[str, Make]] = {
    "the last is wrong": ("[Int!]", lambda many: [*range(many), "x"]),
    "the last of several lists is wrong": ("[[Int]]", lambda many: [[1, 2]] * many + [["x"]]),
    "all are wrong": ("[Int!]", lambda many: ["x"] * many),
    "all are null": ("[Int!]!", lambda many: [None] * many),
    "wrong in lists in lists": ("[[Int]]", lambda many: [["x"] * many] * 10),
    "the innermost is wrong": ("Point", lambda many: nested(many // 2, "x")),
    "nested too deeply": ("Point", lambda many: nested(many * 10, "x")),
    "all objects lack something": ("[Point!]", lambda many: [{"y": 1}] * many),
    "the last object has too much": ("[Point!]", lambda many: [{"x": 1}] * many + [{"x": 1, "z": 1}]),
    "many fields that are none": ("Point", lambda many: {"x": 1} | {f"z{one}": [1] for one in range(many)}),
    "fields that are none in many objects": ("[Point!]", lambda many: [{"x": 1, "nam": "", "nxt": 1}] * many),
    "one long field that is none": ("Point", lambda many: {"x": 1, "n" * many: 1}),
    "no object": ("Point", lambda many: list(range(many))),
    "a long text for a number": ("Int", lambda many: "x" * many),
    "a long text for a color": ("Color", lambda many: "RED" * many),
    "texts for colors": ("[Color!]", lambda many: ["REDD"] * many),
    "a list for a text": ("String", lambda many: [["x"] * many] * many),
    "an object for an id": ("ID", lambda many: {f"k{one}": "v" for one in range(many)}),
    "a list for a number": ("Int", lambda many: nested(many // 2, 1)),
}


def coerced(kind: str, value: Any) -> tuple[list[GraphQLError], int]:
    """Return the errors of a value, and the lines executed to find them."""
    coerce = compile_variable_coercion(SCHEMA, operation(f"$v: {kind}"))
    coerce({"v": value})
    with LineCounter() as steps:
        errors = coerce({"v": value})
    assert isinstance(errors, list)
    return errors, steps.count


@pytest.mark.parametrize("name", INPUTS)
def test_twice_the_input_takes_twice_the_steps(name: str) -> None:
    kind, make = INPUTS[name]
    _, once = coerced(kind, make(MANY))
    _, twice = coerced(kind, make(2 * MANY))
    assert twice <= 2.1 * once


@pytest.mark.parametrize("name", INPUTS)
def test_it_stops_at_the_first_few_errors(name: str) -> None:
    kind, make = INPUTS[name]
    errors, _ = coerced(kind, make(MANY))
    assert 0 < len(errors) <= MAX_VARIABLE_ERRORS + 1  # the last one says that coercion stopped
    assert MAX_VARIABLE_ERRORS == 10


def test_suggestions_take_time_linear_to_their_names() -> None:
    """An unknown field is compared only with fields of about its length."""
    _, once = coerced("Point", {"x": 1, "n" * 2_000: 1})
    _, longer = coerced("Point", {"x": 1, "n" * 200_000: 1})
    assert longer == once


@pytest.mark.parametrize(
    ("variables", "items"),
    [
        ({}, 0),
        ({"a": 1, "b": "text", "c": None, "d": {"e": 1}}, 0),
        ({"a": [1, "text", None]}, 3),
        ({"a": [], "b": [[], [1, 2]], "c": {"d": [{"e": [3]}], "f": [4]}}, 7),
        ({"input": {"reports": [{"reportId": "r"}] * 500}}, 500),
    ],
)
def test_items_of_all_lists_are_counted(variables: dict[str, Any], items: int) -> None:
    assert count_list_items(variables) == items


def test_items_are_counted_in_steps_linear_to_them() -> None:
    def steps(many: int) -> int:
        with LineCounter() as counted:
            count_list_items({"a": [[[1, {"b": [2]}]] * many], "c": list(range(many))})
        return counted.count

    assert steps(2 * MANY) <= 2.1 * steps(MANY)


def test_the_limit_allows_the_largest_input_of_clients() -> None:
    assert OperationLimits().items >= 2 * 500, "`reportPickups` takes 500 reports"
