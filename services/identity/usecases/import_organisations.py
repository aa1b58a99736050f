"""Taking in customers from the ERP (I17)."""

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.ids import write_id
from services.chassis.imports.export_files import RowResult
from services.chassis.imports.record_changes import RecordChanges
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.identity import OrganisationKind, OrganisationStated
from services.identity.domain.organisation import OrganisationFacts, OrganisationRecord
from services.identity.domain.registration import RegistrationRules
from services.identity.usecases.ports import IdentityStore


class OrganisationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``organisations.csv``."""

    customer_number: Annotated[str, Meta(min_length=1, max_length=50)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: OrganisationKind
    business_id: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


async def import_organisations(
    tx: IdentityStore, rows: Sequence[OrganisationRow], rules: RegistrationRules
) -> list[RowResult | RowError]:
    """Keep each row's organisation; one that is as the row says stays untouched and is not announced.

    Its number has the form that people are asked for when they register.
    """
    records = RecordChanges(await tx.organisations_by_number({row.customer_number for row in rows}))
    results = [_check_row(row, rules) or _apply_row(records, row) for row in rows]
    await tx.save_organisations(records.changed)
    for organisation in records.changed:
        tx.emit(organisation_stated_event(organisation))
    return results


def _check_row(row: OrganisationRow, rules: RegistrationRules) -> RowError | None:
    if re.fullmatch(rules.customer_number_format, row.customer_number):
        return None
    return row_error("customer_number", "MALFORMED", expected=rules.customer_number_example)


def _apply_row(records: RecordChanges[OrganisationRecord], row: OrganisationRow) -> RowResult:
    facts = OrganisationFacts(**msgspec.structs.asdict(row))
    return records.apply(row.customer_number, facts, OrganisationRecord)


def organisation_stated_event(organisation: OrganisationRecord) -> OrganisationStated:
    """An organisation as it is announced: without its name."""
    return OrganisationStated(
        organisation_id=write_id("org", organisation.id),
        customer_number=organisation.facts.customer_number,
        kind=organisation.facts.kind,
        version=organisation.version,
    )
