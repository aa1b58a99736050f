"""The answer while it is built: where a place in it is, and what an error does to it.

A running plan keeps no paths: it holds on to the dicts and lists that it fills. Errors are rare; once there is one,
or a resolver asks for its path, what was filled is gone through, and each container's place is known from then on. So
all of them together cost no more than one look at the whole answer.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from graphql import GraphQLError
from graphql.pyutils import Path

from gateway.execution.planning.plan import Field, Plan, has_nested_values, item_type, unwrap_non_null

ResponseContainer = dict | list | msgspec.Struct  # type: ignore[type-arg]
"""A part of the answer that has parts: the structs are what selections were pushed down into."""
PathSegment = str | int


class ResponsePosition(msgspec.Struct, eq=False):
    """Where a container is: in the one around it, which only the whole answer lacks.

    It is kept with its container, whose id is its own for as long. ``nulled``: an error made it null.
    """

    container: ResponseContainer
    parent: "ResponsePosition | None"
    key: PathSegment
    may_be_null: bool
    nulled: bool = False
    _path: Path | None = None

    @property
    def path(self) -> Path | None:
        """The path to it, without type names; None is that of the whole answer."""
        if self._path is None and self.parent is not None:
            self._path = Path(self.parent.path, self.key, None)
        return self._path

    @property
    def is_discarded(self) -> bool:
        """Tell whether it is null, or something around it."""
        one: ResponsePosition | None = self
        while one is not None:
            if one.nulled:
                return True
            one = one.parent
        return False


class ResponseBuilder:
    """Data and errors. ``data`` is None once an error has reached the top."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.data: dict[str, Any] | None = None
        self.errors: list[GraphQLError] = []
        self.nulled = False
        """Whether an error took something away that steps may still be on their way to."""
        self._positions: dict[int, ResponsePosition] = {}
        self._unindexed: list[tuple[Sequence[ResponseContainer], PathSegment, Any, Field]] = []
        """Values that were put into the answer since it was gone through last: containers, key, type and field."""

    def record_values(self, containers: Sequence[ResponseContainer], key: PathSegment, kind: Any, field: Field) -> None:
        """Note that the values of these containers under a key, of this type, are complete but for their steps."""
        self._unindexed.append((containers, key, kind, field))

    def place(self, container: ResponseContainer) -> ResponsePosition | None:
        """Where a container is; None if it is not part of the answer any more."""
        if self._unindexed or not self._positions:
            self._index_positions()
        place = self._positions.get(id(container))
        return None if place is None or place.is_discarded else place

    def path(self, container: ResponseContainer, key: PathSegment, parent: str) -> Path:
        """The path of a field, as graphql-core keeps it; of type names it has just that of the parent."""
        place = self.place(container)
        return Path(None if place is None else place.path, key, parent)

    def propagate_error(self, place: ResponsePosition, error: GraphQLError) -> None:
        """An error of what may not be null there: the nearest thing around it that may be is null (section 6.4.4)."""
        self.errors.append(error)
        self.nulled = True
        while not place.may_be_null:
            assert place.parent is not None, "the whole answer may be null"
            place = place.parent
        place.nulled = True
        if place.parent is None:
            self.data = None
        else:
            set_child(place.parent.container, place.key, None)

    def _index_positions(self) -> None:
        """Find the places of the containers that were put into the answer since the last look."""
        if not self._positions and self.data is not None:
            root = self._positions[id(self.data)] = ResponsePosition(self.data, None, "", may_be_null=True)
            for part in self._plan.root_nested_fields:
                self._index_value(root, *part)
        for containers, key, kind, field in self._unindexed:
            for container in containers if has_nested_values(kind) else ():
                place = self._positions.get(id(container))
                if place is not None and not place.is_discarded:
                    self._index_value(place, key, kind, (field,))
        self._unindexed.clear()

    def _index_value(self, around: ResponsePosition, key: PathSegment, kind: Any, fields: tuple[Field, ...]) -> None:
        places = self._positions
        waiting = [(around, key, kind, fields)]
        while waiting:
            around, key, kind, fields = waiting.pop()
            value = get_child(around.container, key)
            if not isinstance(value, ResponseContainer) or id(value) in places:
                continue
            nullable, inner = unwrap_non_null(kind)
            place = places[id(value)] = ResponsePosition(value, around, key, nullable)
            if not isinstance(value, list):
                waiting += [(place, *part) for part in self._plan.nested_fields(fields)]
            elif has_nested_values(item := item_type(inner)):
                waiting += [(place, index, item, fields) for index in range(len(value))]


def get_child(container: Any, key: Any) -> Any:
    """A part of a container; None if it has no such part."""
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list):
        return container[key]
    return getattr(container, _struct_attribute(container, key)) if key in container.__struct_encode_fields__ else None


def set_child(container: Any, key: Any, value: Any) -> None:
    """Set a part of a container."""
    if isinstance(container, msgspec.Struct):
        setattr(container, _struct_attribute(container, key), value)
    else:
        container[key] = value


def _struct_attribute(struct: msgspec.Struct, key: str) -> str:
    """What a struct calls the part that the answer has under a key."""
    return struct.__struct_fields__[struct.__struct_encode_fields__.index(key)]
