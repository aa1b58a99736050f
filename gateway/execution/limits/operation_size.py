"""Sizes of operations, with fragments spread, in time linear to the document."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

ExecutableDefinition = OperationDefinitionNode | FragmentDefinitionNode


class OperationSize(msgspec.Struct):
    """The size of an operation or a fragment."""

    depth: int = 0
    """The depth of nested fields."""
    fields: int = 0
    root_fields: int = 0
    aliases: int = 0
    directives: int = 0


class _DefinitionSize(msgspec.Struct, frozen=True):
    """The size of a definition without its fragments."""

    size: OperationSize
    spreads: list[tuple[str, int]]
    """The names of the fragments that it spreads, each with the depth of the spread."""


def operation_sizes(document: DocumentNode) -> Iterator[tuple[OperationDefinitionNode, OperationSize]]:
    """Yield each operation with its size. Undefined fragments count 0; fragments in a cycle count once."""
    fragments = {
        definition.name.value: _definition_size(definition)
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    spread: dict[str, OperationSize] = {}
    for name in _in_dependency_order(fragments):
        spread[name] = _with_spreads(fragments[name], spread)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield definition, _with_spreads(_definition_size(definition), spread)


def _definition_size(definition: ExecutableDefinition) -> _DefinitionSize:
    variables = definition.variable_definitions or ()
    size = OperationSize(directives=_count(definition.directives) + sum(_count(one.directives) for one in variables))
    spreads: list[tuple[str, int]] = []
    waiting: list[tuple[SelectionSetNode, int]] = [(definition.selection_set, 0)]
    while waiting:
        selections, depth = waiting.pop()
        for node in selections.selections:
            size.directives += _count(node.directives)
            if isinstance(node, FragmentSpreadNode):
                spreads.append((node.name.value, depth))
                continue
            below = depth
            if isinstance(node, FieldNode):
                below = depth + 1
                size.fields += 1
                size.root_fields += not depth
                size.aliases += node.alias is not None
                size.depth = max(size.depth, below)
            if node.selection_set is not None:  # type: ignore[attr-defined]
                waiting.append((node.selection_set, below))  # type: ignore[attr-defined]
    return _DefinitionSize(size, spreads)


def _count(nodes: Iterable[object] | None) -> int:
    return len(tuple(nodes or ()))


def _in_dependency_order(fragments: Mapping[str, _DefinitionSize]) -> Iterator[str]:
    """Yield the names of fragments, each after those that it spreads, except in cycles."""
    seen: set[str] = set()
    for start in fragments:
        if start in seen:
            continue
        seen.add(start)
        path = [(start, iter(fragments[start].spreads))]
        while path:
            name, spreads = path[-1]
            for inner, _ in spreads:
                if inner in fragments and inner not in seen:
                    seen.add(inner)
                    path.append((inner, iter(fragments[inner].spreads)))
                    break
            else:
                path.pop()
                yield name


def _with_spreads(own: _DefinitionSize, spread: Mapping[str, OperationSize]) -> OperationSize:
    size = own.size
    for name, depth in own.spreads:
        inner = spread.get(name)
        if inner is None:
            continue
        size.depth = max(size.depth, depth + inner.depth)
        size.fields += inner.fields
        size.root_fields += 0 if depth else inner.root_fields
        size.aliases += inner.aliases
        size.directives += inner.directives
    return size
