"""Changes of versioned records by the rows of a batch."""

import uuid
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from services.chassis.ids import new_uuid
from services.chassis.imports.export_files import RowResult


class VersionedRecord(Protocol):
    """A stored record."""

    @property
    def id(self) -> uuid.UUID: ...

    @property
    def version(self) -> int:
        """The number of changes so far, the creation included."""
        ...

    @property
    def facts(self) -> object:
        """The values that a row states."""
        ...


R = TypeVar("R", bound=VersionedRecord)


class RecordChanges(Generic[R]):
    """The stored records of a batch by number, and those that its rows change."""

    def __init__(self, stored: Mapping[str, R]) -> None:
        self._records = dict(stored)
        self._changed: dict[str, R] = {}

    @property
    def changed(self) -> list[R]:
        """The records to save and to announce, in their order."""
        return list(self._changed.values())

    def apply(self, number: str, facts: object, make: Callable[..., R]) -> RowResult:
        """Set the facts of a number's record, made by ``make(id=, version=, facts=)`` if they differ."""
        before = self._records.get(number)
        if before is not None and before.facts == facts:
            return RowResult.UNCHANGED
        record = make(id=before.id if before else new_uuid(), version=before.version + 1 if before else 1, facts=facts)
        self._records[number] = self._changed[number] = record
        return RowResult.CHANGED if before else RowResult.ADDED
