"""The struct that an object is decoded into: its fields are the selected ones, in the order of the answer."""

from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, UnsetType

Lines = list[str]


class Read(NamedTuple):
    """How a value is read: the type that it is decoded as, and the lines of code that look into it.

    ``picked`` is the type of what a service has picked by the ``selection``, which is empty for a leaf. Where there is
    nothing to look into, that is passed on as it came.
    """

    type: Any
    lines: Lines
    picked: Any
    selection: list[Any]


class ObjectShape:
    """An object's struct in the making, and that of what is picked of it. ``tag``: by what it is told from others."""

    def __init__(self, name: str, tag: str | None) -> None:
        self.names: dict[str, str] = {}
        """By attribute: the key."""
        self._name = name
        self._tag = tag
        self._fields: list[Any] = []
        self._picked: list[Any] = []
        self._selection: list[Any] = []

    def plain(self, name: str, key: str, read: Read) -> None:
        """A field that is sent."""
        self._fields.append((name, read.type))
        self._picked.append((name, read.picked))
        self._selection += [key, read.selection] if read.selection else [key]
        self.names[name] = key

    def constant(self, name: str, key: str, text: str) -> None:
        """A text that is the same in all of them."""
        self._both((name, Literal[text], text))
        self._selection.append(f"{key}:{text}")
        self.names[name] = key

    def joined(self, name: str, key: str) -> None:
        """A value that is set later."""
        self._both((name, Any, None))
        self.names[name] = key

    def hidden(self, name: str, key: str, kind: Any) -> None:
        """A field that has to be there, though nobody selected it. In the end it is unset, and so not shown."""
        self._both((name, kind | UnsetType))
        self._selection.append(key)
        self.names[name] = key

    def made(self, lines: Lines) -> Read:
        """How such an object is read, if these lines look into it."""
        return Read(self._struct(self._fields), lines, self._struct(self._picked) if lines else Raw, self._selection)

    def _both(self, field: tuple[Any, ...]) -> None:
        self._fields.append(field)
        self._picked.append(field)

    def _struct(self, fields: list[Any]) -> type[msgspec.Struct]:
        tagged: dict[str, Any] = {"tag_field": "__typename", "tag": self._tag} if self._tag else {}
        return msgspec.defstruct(self._name, fields, rename=self.names, kw_only=True, gc=False, **tagged)
