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

from gateway.execution.plan import Field, Plan, has_parts, item_of, unwrapped

Container = dict | list | msgspec.Struct  # type: ignore[type-arg]
"""A part of the answer that has parts: the structs are what selections were pushed down into."""
Key = str | int


class Place(msgspec.Struct, eq=False):
    """Where a container is: in the one around it, which only the whole answer lacks.

    It is kept with its container, whose id is its own for as long. ``nulled``: an error made it null.
    """

    container: Container
    around: "Place | None"
    key: Key
    may_be_null: bool
    nulled: bool = False
    _path: Path | None = None

    @property
    def path(self) -> Path | None:
        """The path to it, without type names; None is that of the whole answer."""
        if self._path is None and self.around is not None:
            self._path = Path(self.around.path, self.key, None)
        return self._path

    @property
    def gone(self) -> bool:
        """Tell whether it is null, or something around it."""
        one: Place | None = self
        while one is not None:
            if one.nulled:
                return True
            one = one.around
        return False


class Answer:
    """Data and errors. ``data`` is None once an error has reached the top."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.data: dict[str, Any] | None = None
        self.errors: list[GraphQLError] = []
        self.nulled = False
        """Whether an error took something away that steps may still be on their way to."""
        self._places: dict[int, Place] = {}
        self._filled: list[tuple[Sequence[Container], Key, Any, Field]] = []
        """Values that were put into the answer since it was gone through last: containers, key, type and field."""

    def filled(self, containers: Sequence[Container], key: Key, kind: Any, field: Field) -> None:
        """Note that the values of these containers under a key, of this type, are complete but for their steps."""
        self._filled.append((containers, key, kind, field))

    def place(self, container: Container) -> Place | None:
        """Where a container is; None if it is not part of the answer any more."""
        if self._filled or not self._places:
            self._look()
        place = self._places.get(id(container))
        return None if place is None or place.gone else place

    def path(self, container: Container, key: Key, parent: str) -> Path:
        """The path of a field, as graphql-core keeps it; of type names it has just that of the parent."""
        place = self.place(container)
        return Path(None if place is None else place.path, key, parent)

    def fail(self, place: Place, error: GraphQLError) -> None:
        """An error of what may not be null there: the nearest thing around it that may be is null (section 6.4.4)."""
        self.errors.append(error)
        self.nulled = True
        while not place.may_be_null:
            assert place.around is not None, "the whole answer may be null"
            place = place.around
        place.nulled = True
        if place.around is None:
            self.data = None
        else:
            put(place.around.container, place.key, None)

    def _look(self) -> None:
        """Find the places of the containers that were put into the answer since the last look."""
        if not self._places and self.data is not None:
            root = self._places[id(self.data)] = Place(self.data, None, "", may_be_null=True)
            for part in self._plan.parts_of_root:
                self._enter(root, *part)
        for containers, key, kind, field in self._filled:
            for container in containers if has_parts(kind) else ():
                place = self._places.get(id(container))
                if place is not None and not place.gone:
                    self._enter(place, key, kind, (field,))
        self._filled.clear()

    def _enter(self, around: Place, key: Key, kind: Any, fields: tuple[Field, ...]) -> None:
        places = self._places
        waiting = [(around, key, kind, fields)]
        while waiting:
            around, key, kind, fields = waiting.pop()
            value = get(around.container, key)
            if not isinstance(value, Container) or id(value) in places:
                continue
            nullable, inner = unwrapped(kind)
            place = places[id(value)] = Place(value, around, key, nullable)
            if not isinstance(value, list):
                waiting += [(place, *part) for part in self._plan.parts(fields)]
            elif has_parts(item := item_of(inner)):
                waiting += [(place, index, item, fields) for index in range(len(value))]


def get(container: Any, key: Any) -> Any:
    """A part of a container; None if it has no such part."""
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list):
        return container[key]
    return getattr(container, _attribute(container, key)) if key in container.__struct_encode_fields__ else None


def put(container: Any, key: Any, value: Any) -> None:
    """Set a part of a container."""
    if isinstance(container, msgspec.Struct):
        setattr(container, _attribute(container, key), value)
    else:
        container[key] = value


def _attribute(struct: msgspec.Struct, key: str) -> str:
    """What a struct calls the part that the answer has under a key."""
    return struct.__struct_fields__[struct.__struct_encode_fields__.index(key)]
