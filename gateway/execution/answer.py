"""The answer while it is built: where a place in it is, and what an error does to it.

A running plan keeps no paths: it holds on to the dicts and lists that it fills. Errors are rare, and then a place is
found again by looking for its container.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from graphql import GraphQLError, GraphQLList, located_error
from graphql.pyutils import Path

from gateway.execution.plan import Field, Plan, Selection, item_of, unwrapped

Container = dict | list | msgspec.Struct  # type: ignore[type-arg]
"""A part of the answer that has parts: the structs are what selections were pushed down into."""
Key = str | int
Places = dict[int, tuple[Key, ...]]


class Answer:
    """Data and errors. ``data`` is None once an error has reached the top."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.data: dict[str, Any] | None = None
        self.errors: list[GraphQLError] = []
        self.nulled = False
        """Whether an error took something away that steps may still be on their way to."""

    def places(self) -> Places:
        """Where each dict and list of the answer is, by its id: what is not among them is no part of it any more."""
        found: Places = {}
        waiting: list[tuple[Any, tuple[Key, ...]]] = [(self.data, ())]
        while waiting:
            one, place = waiting.pop()
            found[id(one)] = place
            waiting += [(part, (*place, key)) for key, part in parts(one) if isinstance(part, Container)]
        return found

    def path(self, container: Container) -> tuple[Key, ...] | None:
        """Where a container is; None if it is not part of the answer any more."""
        return self.places().get(id(container))

    def linked(self, container: Container, key: Key, parent: str) -> Path:
        """The path of a field, as graphql-core keeps it; of type names it has just that of the parent."""
        path: Path | None = None
        for step in self.path(container) or ():
            path = Path(path, step, None)
        return Path(path, key, parent)

    def fail(self, container: Container, key: Key, error: Exception, field: Field) -> None:
        """An error at a place: its value is null, or the nearest thing around it that may be (section 6.4.4)."""
        place = self.path(container)
        if place is None:
            return  # something around it is null already
        path = [*place, key]
        self.errors.append(located_error(error, field.nodes, path))
        depth = self._nullable_depth(path)
        if depth == 0:
            self.data = None
        else:
            around: Any = self.data
            for step in path[: depth - 1]:
                around = get(around, step)
            put(around, path[depth - 1], None)
        self.nulled = self.nulled or depth < len(path)

    def _nullable_depth(self, path: Sequence[Key]) -> int:
        """How many keys lead to the innermost place on the path that may be null; 0 is the whole answer."""
        depth = 0
        selections = [self._plan.root]
        kind: Any = None
        for position, key in enumerate(path, 1):
            if isinstance(key, str):
                fields = _fields(selections, key)
                kind = fields[0].type
                selections = [selection for field in fields for selection in field.selections.values()]
            else:
                _, inner = unwrapped(kind)
                assert isinstance(inner, GraphQLList), "an index is of a list"
                kind = item_of(inner)
            if unwrapped(kind)[0]:
                depth = position
        return depth


def parts(container: Any) -> Iterable[tuple[Key, Any]]:
    """The parts of a container by their keys."""
    match container:
        case dict():
            return container.items()
        case list():
            return enumerate(container)
        case msgspec.Struct():
            return [(key, getattr(container, name)) for key, name in attributes(type(container)).items()]
    return ()


def get(container: Any, key: Key) -> Any:
    """A part of a container."""
    if isinstance(container, msgspec.Struct):
        return getattr(container, attributes(type(container))[str(key)])
    return container[key]


def put(container: Any, key: Key, value: Any) -> None:
    """Set a part of a container."""
    if isinstance(container, msgspec.Struct):
        setattr(container, attributes(type(container))[str(key)], value)
    else:
        container[key] = value


def attributes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """A struct's attributes by the keys of the answer."""
    return dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))


def _fields(selections: list[Selection], key: str) -> list[Field]:
    """The fields behind a key, whatever the object's type is: in a valid operation their nullability is the same."""
    return [field for selection in selections for field in selection.fields if field.key == key]
