"""Taking in customers from the ERP (I17)."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.ids import new_uuid, write_id
from services.chassis.imports import Bad, Result
from services.contracts.identity import OrganisationKind, OrganisationStated
from services.identity.domain.organisation import OrganisationFacts, OrganisationRecord
from services.identity.usecases.ports import IdentityStore


class OrganisationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``organisations.csv``."""

    customer_number: Annotated[str, Meta(min_length=1, max_length=50)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: OrganisationKind
    business_id: Annotated[str, Meta(min_length=1, max_length=50)] | None = None


async def import_organisations(tx: IdentityStore, rows: Sequence[OrganisationRow]) -> list[Result | Bad]:
    """Keep each row's organisation; one that is as the row says stays untouched and is not announced."""
    known = await tx.organisations_by_number({row.customer_number for row in rows})
    results: list[Result | Bad] = []
    changed: dict[str, OrganisationRecord] = {}
    for row in rows:
        facts = OrganisationFacts(**msgspec.structs.asdict(row))
        before = known.get(row.customer_number)
        if before is not None and before.facts == facts:
            results.append(Result.UNCHANGED)
            continue
        organisation = OrganisationRecord(
            id=before.id if before else new_uuid(), version=before.version + 1 if before else 1, facts=facts
        )
        known[row.customer_number] = changed[row.customer_number] = organisation
        results.append(Result.CHANGED if before else Result.ADDED)
    await tx.save_organisations(list(changed.values()))
    for organisation in changed.values():
        tx.emit(stated(organisation))
    return results


def stated(organisation: OrganisationRecord) -> OrganisationStated:
    """An organisation as it is announced: without its name."""
    return OrganisationStated(
        organisation_id=write_id("org", organisation.id),
        customer_number=organisation.facts.customer_number,
        kind=organisation.facts.kind,
        version=organisation.version,
    )
