"""The import of customers from the ERP (I17)."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.record_changes import Leads, RecordChanges, load_changes
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.identity.organisations import OrganisationKind
from services.identity.domain.organisation import OrganisationFacts, OrganisationRecord
from services.identity.domain.registration import RegistrationRules
from services.identity.mapping.events import organisation_stated_event
from services.identity.usecases.ports.transaction import IdentityStore


class OrganisationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``organisations.csv``."""

    customer_number: Annotated[str, Meta(min_length=1, max_length=50)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: OrganisationKind
    business_id: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    changed_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


async def import_organisations(
    tx: IdentityStore, rows: Sequence[OrganisationRow], rules: RegistrationRules, leads: Leads
) -> list[RowResult | RowError]:
    """Save and announce the organisation of each row that differs from its record.

    A customer number has the format that registration requires, and is not that of an erased organisation.
    """
    numbers = {row.customer_number for row in rows}
    erased = await tx.erased_keys("org", numbers)
    stored = await tx.organisations.lock_by_number(numbers)
    records = await load_changes(tx, "organisations", stored, leads)
    results = [_check_row(row, rules, erased) or _apply_row(records, row) for row in rows]
    await tx.organisations.save(records.changed)
    await records.remember(tx)
    for organisation in records.changed:
        tx.emit(organisation_stated_event(organisation))
    return results


def _check_row(row: OrganisationRow, rules: RegistrationRules, erased: frozenset[str]) -> RowError | None:
    if row.customer_number in erased:
        return row_error("customer_number", "ERASED")
    if re.fullmatch(rules.customer_number_format, row.customer_number):
        return None
    return row_error("customer_number", "MALFORMED", expected=rules.customer_number_example)


def _apply_row(records: RecordChanges[OrganisationRecord], row: OrganisationRow) -> RowResult | RowError:
    fields = msgspec.structs.asdict(row)
    changed_at = fields.pop("changed_at")
    return records.apply(row.customer_number, OrganisationFacts(**fields), OrganisationRecord, changed_at)
