"""The response under construction: positions of its containers, and propagation of errors.

An execution keeps no paths, only the dicts, lists and structs that it fills. Errors are rare: the first one, or the
first resolver that reads its path, indexes the position of each container. All errors together cost one traversal of
the response.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from graphql import GraphQLError
from graphql.pyutils import Path

from gateway.execution.planning.plan import Field, Plan, has_nested_values, item_type, unwrap_non_null

ResponseContainer = dict | list | msgspec.Struct  # type: ignore[type-arg]
"""An object or a list of the response; structs are the objects of projections."""
PathSegment = str | int


class ResponsePosition(msgspec.Struct, eq=False):
    """The position of a container in the response."""

    container: ResponseContainer
    """The container itself: while the position refers to it, no other object gets its id."""
    parent: "ResponsePosition | None"
    """The position of the enclosing container; None at the root."""
    key: PathSegment
    may_be_null: bool
    nulled: bool = False
    """Whether an error has replaced the container with null."""
    _path: Path | None = None

    @property
    def path(self) -> Path | None:
        """The path to the container, without type names; None at the root."""
        if self._path is None and self.parent is not None:
            self._path = Path(self.parent.path, self.key, None)
        return self._path

    @property
    def is_discarded(self) -> bool:
        """Whether an error has replaced the container, or an enclosing one, with null."""
        position: ResponsePosition | None = self
        while position is not None:
            if position.nulled:
                return True
            position = position.parent
        return False


class ResponseBuilder:
    """The data and the errors of a response."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.data: dict[str, Any] | None = None
        """The root object; None once an error has propagated to it."""
        self.errors: list[GraphQLError] = []
        self.nulled = False
        """Whether an error has discarded containers, for which steps may be enqueued."""
        self._positions: dict[int, ResponsePosition] = {}
        self._unindexed: list[tuple[Sequence[ResponseContainer], PathSegment, Any, Field]] = []
        """Values set since the last traversal: containers, key, type and field."""

    def record_values(self, containers: Sequence[ResponseContainer], key: PathSegment, kind: Any, field: Field) -> None:
        """Record that the values of a type, under a key of these containers, are complete except for their steps."""
        self._unindexed.append((containers, key, kind, field))

    def position(self, container: ResponseContainer) -> ResponsePosition | None:
        """Return the position of a container; None if an error has discarded it."""
        if self._unindexed or not self._positions:
            self._index_positions()
        position = self._positions.get(id(container))
        return None if position is None or position.is_discarded else position

    def path(self, container: ResponseContainer, key: PathSegment, parent_type: str) -> Path:
        """Return the path of a field as graphql-core has it, with the type name of the parent alone."""
        position = self.position(container)
        return Path(None if position is None else position.path, key, parent_type)

    def propagate_error(self, position: ResponsePosition, error: GraphQLError) -> None:
        """Add an error and set the nearest nullable container to null, from a position up (section 6.4.4)."""
        self.errors.append(error)
        self.nulled = True
        while not position.may_be_null:
            assert position.parent is not None, "the root is nullable"
            position = position.parent
        position.nulled = True
        if position.parent is None:
            self.data = None
        else:
            set_child(position.parent.container, position.key, None)

    def _index_positions(self) -> None:
        """Index the containers that were set since the last traversal."""
        if not self._positions and self.data is not None:
            root = self._positions[id(self.data)] = ResponsePosition(self.data, None, "", may_be_null=True)
            for nested in self._plan.root_nested_fields:
                self._index_value(root, *nested)
        for containers, key, kind, field in self._unindexed:
            for container in containers if has_nested_values(kind) else ():
                position = self._positions.get(id(container))
                if position is not None and not position.is_discarded:
                    self._index_value(position, key, kind, (field,))
        self._unindexed.clear()

    def _index_value(self, parent: ResponsePosition, key: PathSegment, kind: Any, fields: tuple[Field, ...]) -> None:
        positions = self._positions
        waiting = [(parent, key, kind, fields)]
        while waiting:
            parent, key, kind, fields = waiting.pop()
            value = get_child(parent.container, key)
            if not isinstance(value, ResponseContainer) or id(value) in positions:
                continue
            nullable, inner = unwrap_non_null(kind)
            position = positions[id(value)] = ResponsePosition(value, parent, key, nullable)
            if not isinstance(value, list):
                waiting += [(position, *nested) for nested in self._plan.nested_fields(fields)]
            elif has_nested_values(item := item_type(inner)):
                waiting += [(position, index, item, fields) for index in range(len(value))]


def get_child(container: Any, key: Any) -> Any:
    """Return the value of a key in a container; None if it is missing."""
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list):
        return container[key]
    return getattr(container, _struct_attribute(container, key)) if key in container.__struct_encode_fields__ else None


def set_child(container: Any, key: Any, value: Any) -> None:
    """Set the value of a key in a container."""
    if isinstance(container, msgspec.Struct):
        setattr(container, _struct_attribute(container, key), value)
    else:
        container[key] = value


def _struct_attribute(struct: msgspec.Struct, key: str) -> str:
    """Return the attribute of a struct for a key of the response."""
    return struct.__struct_fields__[struct.__struct_encode_fields__.index(key)]
