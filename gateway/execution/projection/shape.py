"""The struct that an object is decoded into: its fields are the selected ones, in the order of the answer."""

from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, UnsetType

CodeLines = list[str]


class ValueShape(NamedTuple):
    """The shape of a value: the type that it is decoded as, and the code that enqueues the steps below it.

    ``partial_type`` is the type of a value that a service reduced to the ``selection`` (empty for a leaf). Where no
    step is below, such a value is passed on as it came.
    """

    type: Any
    lines: CodeLines
    partial_type: Any
    selection: list[Any]


class ObjectShape:
    """An object's struct in the making, and that of what is picked of it. ``tag``: by what it is told from others."""

    def __init__(self, name: str, tag: str | None) -> None:
        self.names: dict[str, str] = {}
        """By attribute: the key."""
        self._name = name
        self._tag = tag
        self._fields: list[Any] = []
        self._partial_fields: list[Any] = []
        self._selection: list[Any] = []

    def add_field(self, name: str, key: str, read: ValueShape) -> None:
        """A field that is sent."""
        self._fields.append((name, read.type))
        self._partial_fields.append((name, read.partial_type))
        self._selection += [key, read.selection] if read.selection else [key]
        self.names[name] = key

    def add_constant(self, name: str, key: str, text: str) -> None:
        """A text that is the same in all of them."""
        self._add_to_both((name, Literal[text], text))
        self._selection.append(f"{key}:{text}")
        self.names[name] = key

    def add_join(self, name: str, key: str) -> None:
        """A value that is set later."""
        self._add_to_both((name, Any, None))
        self.names[name] = key

    def hidden(self, name: str, key: str, kind: Any) -> None:
        """A field that has to be there, though nobody selected it. In the end it is unset, and so not shown."""
        self._add_to_both((name, kind | UnsetType))
        self._selection.append(key)
        self.names[name] = key

    def build(self, lines: CodeLines) -> ValueShape:
        """How such an object is read, if these lines look into it."""
        return ValueShape(
            self._struct(self._fields), lines, self._struct(self._partial_fields) if lines else Raw, self._selection
        )

    def _add_to_both(self, field: tuple[Any, ...]) -> None:
        self._fields.append(field)
        self._partial_fields.append(field)

    def _struct(self, fields: list[Any]) -> type[msgspec.Struct]:
        tagged: dict[str, Any] = {"tag_field": "__typename", "tag": self._tag} if self._tag else {}
        return msgspec.defstruct(self._name, fields, rename=self.names, kw_only=True, gc=False, **tagged)
