"""Changes of versioned records by the rows of a batch.

An import writes a field only if its file has another value than the last one. Where the present value is not the last
imported one either, somebody changed it here: the field's lead decides which of the two stands, and the row is reported
as a CONFLICT with both, so that no change is reverted silently. A command that changes such a field notes it
(``tx.note_change``) for the lead LATER.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from services.chassis.db.imported_values import ImportedValues
from services.chassis.events.transaction_port import TransactionPort
from services.chassis.ids import new_uuid
from services.chassis.imports.export_files import RowResult
from services.chassis.imports.row_reader import RowError, row_error
from services.chassis.runtime.settings import InvalidSettings, ServiceSettings
from services.contracts.imports import FieldLead

Leads = Mapping[str, FieldLead]
"""The lead of each field of a kind of file; IMPORT for the others."""


class VersionedRecord(Protocol):
    """A stored record."""

    @property
    def id(self) -> uuid.UUID: ...

    @property
    def version(self) -> int:
        """The number of changes so far, the creation included."""
        ...

    @property
    def facts(self) -> Any:
        """The values that a row states: a Struct."""
        ...


R = TypeVar("R", bound=VersionedRecord)


class _Conflict(msgspec.Struct, frozen=True):
    """A field that was changed on both sides, with its values as JSON."""

    field: str
    imported: object
    present: object
    valid: object


class RecordChanges(Generic[R]):
    """The stored records of a batch by number, and those that its rows change."""

    def __init__(
        self, kind: str, stored: Mapping[str, R], imported: Mapping[str, ImportedValues], leads: Leads
    ) -> None:
        self._kind = kind
        self._records = dict(stored)
        self._changed: dict[str, R] = {}
        self._imported = imported
        self._to_remember: dict[str, Mapping[str, Any]] = {}
        self._leads = leads

    @property
    def changed(self) -> list[R]:
        """The records to save and to announce, in their order."""
        return list(self._changed.values())

    def apply(
        self, number: str, facts: msgspec.Struct, make: Callable[..., R], changed_at: dt.datetime | None = None
    ) -> RowResult | RowError:
        """Set the facts of a number's record, made by ``make(id=, version=, facts=)`` if they differ.

        ``changed_at`` is when the ERP changed the row. A CONFLICT's other fields are set nevertheless.
        """
        before = self._records.get(number)
        imported, memory = _as_json(facts), self._imported.get(number, ImportedValues())
        if imported != memory.fields:
            self._to_remember[number] = imported
        conflicts: list[_Conflict] = []
        if before is not None:
            facts, conflicts = self._merge(facts, before.facts, memory, changed_at)
        if before is None or facts != before.facts:
            record = make(
                id=before.id if before else new_uuid(), version=before.version + 1 if before else 1, facts=facts
            )
            self._records[number] = self._changed[number] = record
        if conflicts:
            return _conflict_error(conflicts)
        if before is None:
            return RowResult.ADDED
        return RowResult.CHANGED if facts != before.facts else RowResult.UNCHANGED

    async def remember(self, tx: TransactionPort) -> None:
        """Remember the values that the rows have."""
        await tx.remember_imported(self._kind, self._to_remember)

    def _merge(
        self, facts: msgspec.Struct, present: msgspec.Struct, memory: ImportedValues, changed_at: dt.datetime | None
    ) -> tuple[msgspec.Struct, list[_Conflict]]:
        """Return a record's new facts, and the fields that were changed on both sides."""
        new, now = _as_json(facts), _as_json(present)
        taken, conflicts = dict[str, object](), list[_Conflict]()
        for field in new:
            last = memory.fields.get(field, msgspec.UNSET)
            if new[field] in (now[field], last):
                continue
            # A record that was made here was never imported; a field that this build added was not, either.
            changed_here = now[field] != last if last is not msgspec.UNSET else not memory.fields
            take = not changed_here or self._import_leads(field, memory, changed_at)
            if take:
                taken[field] = getattr(facts, field)
            if changed_here:
                conflicts.append(_Conflict(field, new[field], now[field], new[field] if take else now[field]))
        return msgspec.structs.replace(present, **taken), conflicts

    def _import_leads(self, field: str, memory: ImportedValues, changed_at: dt.datetime | None) -> bool:
        lead = self._leads.get(field, FieldLead.IMPORT)
        if lead is FieldLead.LATER:
            noted = memory.noted.get(field)
            return changed_at is not None and noted is not None and changed_at > noted
        return lead is FieldLead.IMPORT


async def load_changes(tx: TransactionPort, kind: str, stored: Mapping[str, R], leads: Leads) -> RecordChanges[R]:
    """Return the changes of a batch, none so far. ``stored`` are the locked records of its rows, by number."""
    return RecordChanges(kind, stored, await tx.imported_values(kind, stored.keys()), leads)


def leads_of(settings: ServiceSettings | None, kind: str, facts: type[msgspec.Struct]) -> Leads:
    """Return the leads that the settings name for a kind; raise InvalidSettings for a field that it does not have."""
    leads = settings.import_leads.get(kind, {}) if settings else {}
    if unknown := leads.keys() - set(facts.__struct_fields__):
        raise InvalidSettings(f"IMPORT_LEADS names fields that {kind} do not have: {', '.join(sorted(unknown))}")
    return leads


def _as_json(facts: msgspec.Struct) -> dict[str, Any]:
    return {field: msgspec.to_builtins(getattr(facts, field)) for field in facts.__struct_fields__}


def _conflict_error(conflicts: list[_Conflict]) -> RowError:
    def texts(value: Callable[[_Conflict], object]) -> str:
        return "; ".join("" if value(one) is None else str(value(one)) for one in conflicts)

    fields = ", ".join(one.field for one in conflicts)
    imported, present, valid = (texts(attrgetter(name)) for name in ("imported", "present", "valid"))
    return row_error(fields, "CONFLICT", imported=imported, present=present, valid=valid)
