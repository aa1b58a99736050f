"""The names of the fields that an operation selects below a field."""

from collections.abc import Iterable, Iterator, Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionNode


def collect_field_names(
    nodes: Iterable[FieldNode], fragments: Mapping[str, FragmentDefinitionNode], path: tuple[str, ...] = ()
) -> set[str]:
    """Return the names of the fields selected below ``nodes``, or below ``path`` under them, in fragments of any type.

    ``@skip`` and ``@include`` are ignored: the result may have a field too many, and never lacks one.
    """
    # Each fragment is visited once: nested spreads would take exponential time.
    seen: set[str] = set()
    below = [
        field
        for node in nodes
        if node.selection_set
        for field in _fields(node.selection_set.selections, fragments, seen)
    ]
    if not path:
        return {field.name.value for field in below}
    return collect_field_names([field for field in below if field.name.value == path[0]], fragments, path[1:])


def _fields(
    selections: Iterable[SelectionNode], fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    for node in selections:
        match node:
            case FieldNode():
                yield node
            case InlineFragmentNode():
                yield from _fields(node.selection_set.selections, fragments, seen)
            case FragmentSpreadNode(name=name) if name.value not in seen:
                seen.add(name.value)
                yield from _fields(fragments[name.value].selection_set.selections, fragments, seen)
