"""The creation of partners (I13)."""

import secrets
import uuid
from collections.abc import Sequence

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import find_id, new_uuid, read_id, write_id
from services.contracts.identity.partners import SCOPES, CreatePartner, PartnerCreated
from services.contracts.values import Id, Problem, Refusal
from services.identity.domain.access import PartnerRecord
from services.identity.domain.partner import partner_problems
from services.identity.domain.secret import digest
from services.identity.mapping.responses import partner_response
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.state_access import state_access

CLIENT_SECRET = "client_secret"  # noqa: S105 - the purpose of a digest, not a secret


async def create_partner(work: Work, pepper: bytes, staff_id: str, command: CreatePartner) -> PartnerCreated | Refusal:
    """Create a partner and its first secret, which is shown once: a repetition shows the partner as it is now.

    Refused with MALFORMED, INVALID_SCOPE, NOT_FOUND (an organisation), IDEMPOTENCY_CONFLICT.
    """
    if problems := partner_problems(command):
        return Refusal(problems=problems)
    secret = secrets.token_urlsafe(32)

    async with work() as tx:

        async def create() -> PartnerCreated | Refusal:
            ids = [find_id("org", text) for text in command.organisation_ids]
            if problems := await _unknown_organisations(tx, ids):
                return Refusal(problems=problems)
            partner = PartnerRecord(
                id=new_uuid(),
                name=command.name.strip(),
                scopes=[scope for scope in SCOPES if scope in command.scopes],
                organisation_ids=sorted({organisation_id for organisation_id in ids if organisation_id}),
                all_organisations=command.all_organisations,
            )
            await tx.partners.add(partner, digest(pepper, CLIENT_SECRET, secret), tx.now)
            await state_access(tx, partner)
            partner_id = write_id("partner", partner.id)
            tx.audit(AuditEntry(actor=staff_id, action="PARTNER_CREATED", subject=partner_id))
            if partner.all_organisations:
                tx.audit(AuditEntry(actor=staff_id, action="ALL_ORGANISATIONS_GRANTED", subject=partner_id))
            return PartnerCreated(partner=partner_response(partner), client_secret=secret)

        async def read_again(ids: Sequence[Id]) -> PartnerCreated | None:
            partner = await tx.partners.by_id(read_id("partner", ids[0]))
            return PartnerCreated(partner=partner_response(partner), client_secret=None) if partner else None

        return await tx.execute_once(
            organisation="",
            caller=staff_id,
            operation="createPartner",
            command=command,
            do=create,
            ids=lambda created: [created.partner.id],
            read_again={PartnerCreated: read_again},
        )


async def _unknown_organisations(tx: IdentityStore, ids: list[uuid.UUID | None]) -> list[Problem]:
    unknown = await tx.organisations.unknown_ids([organisation_id for organisation_id in ids if organisation_id])
    return [
        Problem(code="NOT_FOUND", path=["organisationIds", str(index)])
        for index, organisation_id in enumerate(ids)
        if organisation_id is None or organisation_id in unknown
    ]
