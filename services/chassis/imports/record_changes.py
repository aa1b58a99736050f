"""Versioned records while a file of them is taken in: what is known by number, and what each row changes."""

import uuid
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from services.chassis.ids import new_uuid
from services.chassis.imports.export_files import RowResult


class VersionedRecord(Protocol):
    """A thing as it is kept: its id, a version that rises with every change, and the facts that a row states."""

    @property
    def id(self) -> uuid.UUID: ...

    @property
    def version(self) -> int: ...

    @property
    def facts(self) -> object: ...


R = TypeVar("R", bound=VersionedRecord)


class RecordChanges(Generic[R]):
    """The records that the rows of a batch are about. ``changed`` are those to save and to announce, in their order."""

    def __init__(self, known: Mapping[str, R]) -> None:
        self._known = dict(known)
        self._changed: dict[str, R] = {}

    @property
    def changed(self) -> list[R]:
        return list(self._changed.values())

    def apply(self, number: str, facts: object, make: Callable[..., R]) -> RowResult:
        """Have the record of this number state these facts; ``make`` is called with ``id, version, facts``."""
        before = self._known.get(number)
        if before is not None and before.facts == facts:
            return RowResult.UNCHANGED
        record = make(id=before.id if before else new_uuid(), version=before.version + 1 if before else 1, facts=facts)
        self._known[number] = self._changed[number] = record
        return RowResult.CHANGED if before else RowResult.ADDED
