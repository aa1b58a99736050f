"""Compiled coercion equals that of graphql-core, for valid values and invalid ones."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.planning.variables import MAX_VARIABLE_ERRORS, compile_variable_coercion

SCHEMA = build_schema("""
    scalar Anything
    enum Color { RED GREEN }
    input Point { x: Int! y: Int = 2 name: String next: Point }
    type Query { it: Int }
""")
TYPES = [
    "Int", "Int!", "String", "String!", "ID", "ID!", "Boolean", "Boolean!", "Float", "Float!", "Color", "Color!",
    "Anything", "Anything!", "[Int]", "[Int!]!", "[[Int]]", "[Color!]", "[String!]", "Point", "Point!", "[Point!]",
]  # fmt: skip
DEFAULTS = ["", "= null", "= 3", '= "a"', "= true", "= 1.5", "= RED", "= [1, 2]", "= {x: 1}"]

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**33), 2**33), st.floats(), st.text(max_size=3), st.sampled_from(["RED"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["x", "y", "name", "next", "strange"]), inner, max_size=4),
    ),
    max_leaves=8,
)


def operation(declared: str) -> OperationDefinitionNode:
    (node,) = parse(f"query ({declared}) {{ it }}").definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def comparable(values: Any) -> Any:
    if isinstance(values, list):
        return [(error.message, error.locations) for error in values if isinstance(error, GraphQLError)]
    # NaN is not itself.
    return repr(values.coerced), [(name, repr(one.value)) for name, one in values.sources.items()]


def check_equal(declared: str, given_: dict[str, Any]) -> None:
    node = operation(declared)
    try:
        expected: Any = get_variable_values(
            SCHEMA, node.variable_definitions or (), dict(given_), max_errors=MAX_VARIABLE_ERRORS
        )
    except Exception as error:  # a default that validation would have rejected
        with pytest.raises(type(error)):
            compile_variable_coercion(SCHEMA, node)(given_)
        return
    assert comparable(compile_variable_coercion(SCHEMA, node)(given_)) == comparable(expected)


@given(st.sampled_from(TYPES), st.sampled_from(DEFAULTS), VALUES)
def test_any_value_of_any_type(kind: str, default: str, value: Any) -> None:
    check_equal(f"$v: {kind} {default}", {"v": value})


@given(st.sampled_from(TYPES), st.sampled_from(DEFAULTS))
def test_absent_variables(kind: str, default: str) -> None:
    check_equal(f"$v: {kind} {default}", {})


@given(
    st.lists(st.tuples(st.sampled_from(TYPES), st.sampled_from(DEFAULTS)), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["v0", "v1", "v2", "v3", "unknown"]), VALUES),
)
def test_several_variables(declared: list[tuple[str, str]], given_: dict[str, Any]) -> None:
    check_equal(" ".join(f"$v{number}: {kind} {default}" for number, (kind, default) in enumerate(declared)), given_)


def test_values_nested_too_deeply() -> None:
    deep: Any = {"x": 1}
    for _ in range(100_000):
        deep = {"x": 1, "next": deep}
    check_equal("$v: Point", {"v": deep})
    errors = compile_variable_coercion(SCHEMA, operation("$v: Point"))({"v": deep})
    assert isinstance(errors, list)
    assert [error.message for error in errors] == ["Variable values are nested too deeply."]


def test_a_type_that_is_no_input_type() -> None:
    check_equal("$v: Query", {"v": 1})


def test_nothing_given_is_an_empty_mapping() -> None:
    values = compile_variable_coercion(SCHEMA, operation("$v: Int"))(None)
    assert not isinstance(values, list)
    assert values.coerced == {}


def test_no_two_requests_share_values() -> None:
    coerce = compile_variable_coercion(SCHEMA, operation("$v: [Int] = [1], $w: Int = 2"))
    one, other = coerce({}), coerce({})
    assert not isinstance(one, list)
    assert not isinstance(other, list)
    one.coerced["w"] = 3
    one.coerced["v"].append(4)
    assert other.coerced == {"v": [1], "w": 2}
