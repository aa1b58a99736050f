"""Costs of operations by the GraphQL cost directives specification, calculated by hand."""

import time
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from gateway.execution.cost.compiler import compile_cost
from gateway.execution.cost.directives import Cost
from gateway.execution.cost.expression import maximum, product, total
from gateway.execution.cost.list_size import ASSUMED_SIZE
from gateway.execution.documents import Document
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.execution.limits.validation import parse_and_validate
from gateway.execution.planning.variables import compile_variable_coercion
from tests.unit.execution.schemas.cost import Cheap, Dear, Query

TEN = ASSUMED_SIZE


SCHEMA = strawberry.Schema(Query, types=[Dear, Cheap])._schema


def cost(text: str, **variables: Any) -> int:
    node = parse_and_validate(SCHEMA, text, OperationLimits(depth=100, fields=10**30, aliases=10**30, tokens=5_000))
    assert not isinstance(node, list), node
    document = Document(text, node)
    operation = document.operation(None)
    assert operation is not None
    values = compile_variable_coercion(SCHEMA, operation.node)(variables)
    assert not isinstance(values, list), values
    return compile_cost(SCHEMA, document, operation.node)(values.coerced)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (0, "{ __typename }"),
        (11, "{ thing { id } }"),
        (11, "{ thing { id tags __typename } }"),
        (16, "{ thing { slow } }"),
        (22, "{ thing { id } again: thing { id } }"),
        (12, "{ thing { next { id } } }"),
        (11 + TEN, "{ thing { things { id } } }"),
        (11 + TEN * 6, "{ thing { things { slow } } }"),
        (11 + TEN * (1 + TEN), "{ thing { things { things { id } } } }"),
        (11 + 12, "{ thing { ten { id } } }"),
        (11 + 3 * TEN, "{ thing { grid { id } } }"),
        (11 + TEN * 4, "{ thing { heavy { id } } }"),
        (11, "{ thing { id } thing { id } }"),
        (17, "{ thing { next { id } slow } thing { next { tags } } }"),
        (16, "{ thing { slow @skip(if: true) } }"),
        (12, "{ ...A ...A ... { ...B } } fragment A on Query { ...B } fragment B on Query { thing { next { id } } }"),
        (51, "{ either { ... on Dear { said } } }"),
        (1 + TEN, "{ either { ... on Cheap { things { id } } } }"),
        (51, "{ either { ... on Dear { said } ... on Cheap { things { id } } } }"),
        (51, "{ either { ... on Named { said } } }"),
        (1, "{ either { ... on Cheap { said } } }"),
        (11 + TEN * 51, "{ thing { named { said } } }"),
        (1 + 1 + 30, "{ either { ... on Named { page { items { id } } } } }"),
        (11 + TEN * (1 + 1 + 30), "{ thing { named { page { items { id } } } } }"),
        (20, "{ things { id } }"),
        (7, "{ things(first: 7) { id } }"),
        (0, "{ things(first: 0) { id } }"),
        (0, "{ things(first: -3) { id } }"),
        (2, "{ byIds(ids: [4, 5]) { id } }"),
        (1, "{ byIds(ids: 4) { id } }"),
        (0, "{ byIds(ids: []) { id } }"),
        (9, "{ byIds(last: 9) { id } }"),
        (1 + 20, "{ page { items { id } } }"),
        (1 + 8 + TEN, "{ page(first: 8) { items { id } others { id } total } }"),
        (1 + 8, "{ page(first: 2, last: 8) { ... { it: items { id } } } }"),
        (1 + 6, "{ page(first: null) { items { id } } }"),
        (1 + 8 * (1 + TEN), "{ page(first: 8) { items { things { id } } } }"),
        (3 + 3, "{ search(search: {}) { id } }"),
        (3 + 5, "{ search(search: {first: 5}) { id } }"),
        (4 + 5, "{ search(search: {first: 5, inner: {}}) { id } }"),
        (1, "{ take(inner: {}) }"),
        (8, "{ take(inner: {heavy: 1}) }"),
        (2 * 8 + 1, "{ take(inners: [{heavy: 1}, {heavy: 1}], inner: {name: \"\"}) }"),
        (1 + 8 + 1, "{ take(inner: {more: [{heavy: 1}, {}]}) }"),
        (3, "{ take(number: 1) }"),
        (0, "{ take(number: null) }"),
        (6, "{ take(numbers: [1, 2]) }"),
    ],
)  # fmt: skip
def test_cost_by_hand(expected: int, text: str) -> None:
    assert cost(text) == expected


@pytest.mark.parametrize(
    ("expected", "variables", "text"),
    [
        (7, {"n": 7}, "query ($n: Int) { things(first: $n) { id } }"),
        (0, {"n": -7}, "query ($n: Int) { things(first: $n) { id } }"),
        (2**31 - 1, {"n": 2**31 - 1}, "query ($n: Int) { things(first: $n) { id } }"),
        (20, {}, "query ($n: Int) { things(first: $n) { id } }"),
        (TEN, {"n": None}, "query ($n: Int) { things(first: $n) { id } }"),
        (5, {}, "query ($n: Int = 5) { things(first: $n) { id } }"),
        (3, {"i": [1, 2, 3]}, "query ($i: [Int!]) { byIds(ids: $i) { id } }"),
        (2, {"n": 1}, "query ($n: Int!) { byIds(ids: [$n, $n]) { id } }"),
        (1 + 9, {"n": 9}, "query ($n: Int) { page(first: 4, last: $n) { items { id } } }"),
        (1 + 4, {"n": None}, "query ($n: Int) { page(first: 4, last: $n) { items { id } } }"),
        (1 + 6, {"n": None}, "query ($n: Int) { page(first: $n, last: $n) { items { id } } }"),
        (3 + 4, {"s": {"first": 4}}, "query ($s: Search!) { search(search: $s) { id } }"),
        (3 + 3, {"s": {}}, "query ($s: Search!) { search(search: $s) { id } }"),
        (3 + 4, {"n": 4}, "query ($n: Int!) { search(search: {first: $n}) { id } }"),
        (5, {"n": 5}, "query ($n: Int) { things(first: $n) { ...A ...A } } fragment A on Thing { id }"),
        (8, {"i": {"heavy": 1}}, "query ($i: Inner) { take(inner: $i) }"),
        (8 + 8 + 1, {"i": {"heavy": 1, "more": [{"heavy": 2, "more": [{}]}]}}, "query ($i: Inner) { take(inner: $i) }"),
        (0, {"i": None}, "query ($i: Inner) { take(inner: $i) }"),
        (8, {"i": 3}, "query ($i: Int!) { take(inner: {heavy: $i}) }"),
        (9, {"i": [1, 2, 3]}, "query ($i: [Int!]) { take(numbers: $i) }"),
        (3 * 2, {"i": 3}, "query ($i: Int!) { take(numbers: [$i, $i]) }"),
        (8 + 1, {"i": [{"heavy": 1}, {}]}, "query ($i: [Inner!]) { take(inners: $i) }"),
    ],
)
def test_cost_by_hand_with_variables(expected: int, variables: dict[str, Any], text: str) -> None:
    assert cost(text, **variables) == expected


def test_variables_multiply() -> None:
    text = """query ($n: Int!, $m: Int!) {
      page(first: $n) { items { things { id } } }
      things(first: $m) { slow }
    }"""
    assert cost(text, n=3, m=4) == 1 + 3 * (1 + TEN) + 4 * 6
    assert cost(text, n=-1, m=-(2**31)) == 1


def test_the_most_expensive_type_for_given_variables() -> None:
    text = (
        "query ($n: Int!) { either { ... on Dear { said } ... on Cheap { things { slow } } } things(first: $n) { id } }"
    )
    assert cost(text, n=2) == 1 + TEN * 6 + 2


def test_nested_fragments_are_visited_once() -> None:
    chain = " ".join(
        f"fragment F{one} on Thing {{ a: next {{ ...F{one + 1} }} b: next {{ ...F{one + 1} }} }}" for one in range(60)
    )
    began = time.process_time()
    assert cost(f"{{ thing {{ ...F0 }} }} {chain} fragment F60 on Thing {{ id }}") == 10 + 2**61 - 1
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("arguments", "given"),
    [("(ids: [1], last: 2)", 2), ("", 0), ("(ids: null)", 0), ("(ids: {a: 1}, last: 9999999999999999999999)", 2)],
)
def test_one_slicing_argument_is_required(arguments: str, given: int) -> None:
    errors = parse_and_validate(SCHEMA, f"{{ byIds{arguments} {{ id }} }}", OperationLimits())
    assert isinstance(errors, list)
    assert f"Field 'byIds' takes exactly one of the arguments 'ids', 'last', not {given}." in [
        error.message for error in errors
    ]
    assert all(isinstance(error, GraphQLError) for error in errors)


@pytest.mark.parametrize("weight", ["-1", "1.5", "", "a", "²"])
def test_weights_are_whole_numbers(weight: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        Cost(weight=weight)


def test_expressions() -> None:
    def a(values: Any) -> int:
        return int(values["a"])

    for expression, expected in [
        (total([1, a, 2, a]), 13),
        (total([]), 0),
        (total([a]), 5),
        (product(3, a), 15),
        (product(a, 3), 15),
        (product(a, a), 25),
        (product(a, 1), 5),
        (product(2, 3), 6),
        (maximum([1, a, 3]), 5),
        (maximum([a]), 5),
        (maximum([a, 9]), 9),
        (maximum([]), 0),
    ]:
        assert (expression if isinstance(expression, int) else expression({"a": 5})) == expected
    assert product(a, 0) == 0
