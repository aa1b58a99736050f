"""Structs that objects are decoded into, with the selected fields in the order of the response."""

from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, UnsetType

CodeLines = list[str]


class ValueShape(NamedTuple):
    """The shape of a value: its type, and the code that enqueues the steps below it."""

    type: Any
    """The type that the value is decoded as."""
    lines: CodeLines
    """The code that enqueues the steps below; empty if there are none."""
    partial_type: Any
    """The type of a value that is restricted to the selection: Raw, passed on unread, if no step is below."""
    selection: list[Any]
    """The selection to restrict it to; empty for a leaf."""


class ObjectShape:
    """The builder of an object's struct, and of the struct of an object restricted to the selection.

    ``tag``: the value of ``__typename`` that discriminates members of a union.
    """

    def __init__(self, name: str, tag: str | None) -> None:
        self.names: dict[str, str] = {}
        """The response key of each attribute."""
        self._name = name
        self._tag = tag
        self._fields: list[Any] = []
        self._partial_fields: list[Any] = []
        self._selection: list[Any] = []

    def add_field(self, name: str, key: str, value: ValueShape) -> None:
        """Add a field that the service sends."""
        self._fields.append((name, value.type))
        self._partial_fields.append((name, value.partial_type))
        self._selection += [key, value.selection] if value.selection else [key]
        self.names[name] = key

    def add_constant(self, name: str, key: str, text: str) -> None:
        """Add a constant field."""
        self._add_to_both((name, Literal[text], text))
        self._selection.append(f"{key}:{text}")
        self.names[name] = key

    def add_join(self, name: str, key: str) -> None:
        """Add a field whose value a step sets later."""
        self._add_to_both((name, Any, None))
        self.names[name] = key

    def add_hidden(self, name: str, key: str, kind: Any) -> None:
        """Add a field that a join needs and that is not selected. It is unset before the response is encoded."""
        self._add_to_both((name, kind | UnsetType))
        self._selection.append(key)
        self.names[name] = key

    def build(self, lines: CodeLines) -> ValueShape:
        """Return the shape of the object; the lines enqueue the steps below it."""
        return ValueShape(
            self._struct(self._fields), lines, self._struct(self._partial_fields) if lines else Raw, self._selection
        )

    def _add_to_both(self, field: tuple[Any, ...]) -> None:
        self._fields.append(field)
        self._partial_fields.append(field)

    def _struct(self, fields: list[Any]) -> type[msgspec.Struct]:
        tagged: dict[str, Any] = {"tag_field": "__typename", "tag": self._tag} if self._tag else {}
        return msgspec.defstruct(self._name, fields, rename=self.names, kw_only=True, gc=False, **tagged)
