"""Which fields an operation selects below a field."""

from collections.abc import Iterable, Iterator, Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionNode


def collect_field_names(
    nodes: Iterable[FieldNode], fragments: Mapping[str, FragmentDefinitionNode], path: tuple[str, ...] = ()
) -> set[str]:
    """The names of the fields selected below ``nodes``, or further down behind ``path``; of every fragment's type.

    ``@skip`` and ``@include`` are not looked at: a field too many is asked for, never one too few.
    """
    # A fragment is looked into once: spread in each other they would be many.
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
    for one in selections:
        match one:
            case FieldNode():
                yield one
            case InlineFragmentNode():
                yield from _fields(one.selection_set.selections, fragments, seen)
            case FragmentSpreadNode(name=name) if name.value not in seen:
                seen.add(name.value)
                yield from _fields(fragments[name.value].selection_set.selections, fragments, seen)
