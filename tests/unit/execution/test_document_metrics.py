"""Sizes of operations count spread fragments, in time linear to the document."""

import time

import pytest
from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode, parse
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.execution.limits.operation_size import OperationSize, operation_sizes
from gateway.schema.builder import build_schema
from tests.unit.execution.random_operations import RandomOperation

SCHEMA = build_schema()._schema


def size_of(text: str) -> OperationSize:
    ((_, size),) = operation_sizes(parse(text))
    return size


def size_by_visiting(document: DocumentNode) -> OperationSize:
    """Count by visiting each spread."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    size = OperationSize()

    def visit(selections: SelectionSetNode, depth: int) -> None:
        for node in selections.selections:
            size.directives += len(node.directives or ())
            inner, below = getattr(node, "selection_set", None), depth
            if isinstance(node, FragmentSpreadNode):
                fragment = fragments[node.name.value]
                size.directives += len(fragment.directives or ())
                inner = fragment.selection_set
            elif isinstance(node, FieldNode):
                below += 1
                size.fields += 1
                size.root_fields += depth == 0
                size.aliases += node.alias is not None
                size.depth = max(size.depth, below)
            if inner is not None:
                visit(inner, below)

    visit(document.definitions[0].selection_set, 0)  # type: ignore[attr-defined]
    return size


@given(st.integers(0, 2**32))
def test_fragments_count_as_often_as_they_are_spread(seed: int) -> None:
    text = RandomOperation(SCHEMA, seed).text
    size = size_of(text)
    assume(size.fields < 3_000)  # some are too large to visit
    assert size == size_by_visiting(parse(text))


def test_fragments_of_fragments_multiply() -> None:
    chain = " ".join(
        f"fragment F{one} on T {{ a: t {{ ...F{one + 1} }} b: t {{ ...F{one + 1} }} }}" for one in range(100)
    )
    began = time.process_time()
    size = size_of(f"{{ ...F0 }} {chain} fragment F100 on T {{ id }}")
    assert time.process_time() - began < 2
    assert size.fields == 2 * (2**100 - 1) + 2**100
    assert size.aliases == 2 * (2**100 - 1)
    assert (size.depth, size.root_fields) == (101, 2)


@pytest.mark.parametrize(
    "text",
    [
        "{ a ...A } fragment A on Q { b ...B } fragment B on Q { c ...A }",
        "{ a ...A } fragment A on Q { b ...A ...A }",
        "{ a ...A ...B }",
    ],
)
def test_cycles_and_undefined_fragments_terminate(text: str) -> None:
    assert 1 <= size_of(text).fields <= 3


def test_a_long_chain_of_fragments_does_not_recurse() -> None:
    chain = " ".join(f"fragment F{one} on Q {{ ...F{one + 1} }}" for one in range(2_000))
    assert size_of(f"{{ ...F0 }} {chain} fragment F2000 on Q {{ id }}").fields == 1


def test_each_operation_is_counted_by_itself() -> None:
    sizes = operation_sizes(parse("query A { a ...F } query B { b { c { ...F } } } fragment F on Q { d }"))
    assert [(size.fields, size.depth, size.root_fields) for _, size in sizes] == [(2, 1, 2), (3, 3, 1)]
