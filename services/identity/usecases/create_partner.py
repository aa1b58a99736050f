"""Making a partner (I13)."""

import secrets
import uuid

import msgspec

from services.chassis.ids import find_id, new_uuid, write_id
from services.contracts.identity import SCOPES, CreatePartner, Partner, PartnerCreated
from services.contracts.values import Problem, Refusal
from services.identity.domain.access import PartnerRecord
from services.identity.domain.partner import partner_problems
from services.identity.domain.secret import digest
from services.identity.usecases.ports import IdentityStore, Work
from services.identity.usecases.state_access import state_access

CLIENT_SECRET = "client_secret"  # noqa: S105 - what a digest is for, not a secret


async def create_partner(work: Work, pepper: bytes, staff_id: str, command: CreatePartner) -> PartnerCreated | Refusal:
    """Make a partner and its first secret, which is shown this once.

    Refused with MALFORMED, INVALID_SCOPE, NOT_FOUND (an organisation), IDEMPOTENCY_CONFLICT.
    """
    if problems := partner_problems(command):
        return Refusal(problems=problems)
    secret = secrets.token_urlsafe(32)

    async with work() as tx:

        async def make() -> PartnerCreated | Refusal:
            ids = [find_id("org", text) for text in command.organisation_ids]
            if problems := await _unknown_organisations(tx, ids):
                return Refusal(problems=problems)
            partner = PartnerRecord(
                id=new_uuid(),
                name=command.name.strip(),
                scopes=[scope for scope in SCOPES if scope in command.scopes],
                organisation_ids=sorted({one for one in ids if one}),
                all_organisations=command.all_organisations,
            )
            await tx.add_partner(partner, digest(pepper, CLIENT_SECRET, secret))
            await state_access(tx, partner)
            await tx.audit(staff_id, "PARTNER_CREATED", write_id("partner", partner.id))
            if partner.all_organisations:
                await tx.audit(staff_id, "ALL_ORGANISATIONS_GRANTED", write_id("partner", partner.id))
            return PartnerCreated(partner=partner_response(partner), client_secret=secret)

        return await tx.execute_once(
            organisation="",
            caller=staff_id,
            operation="createPartner",
            command=command,
            answer=PartnerCreated,
            do=make,
            remember=lambda created: msgspec.structs.replace(created, client_secret=None),
        )


async def _unknown_organisations(tx: IdentityStore, ids: list[uuid.UUID | None]) -> list[Problem]:
    unknown = await tx.unknown_organisations([one for one in ids if one])
    return [
        Problem(code="NOT_FOUND", path=["organisationIds", str(place)])
        for place, one in enumerate(ids)
        if one is None or one in unknown
    ]


def partner_response(partner: PartnerRecord) -> Partner:
    """A partner as staff see it."""
    return Partner(
        id=write_id("partner", partner.id),
        name=partner.name,
        client_id=write_id("partner", partner.id),
        scopes=partner.scopes,
        organisation_ids=[write_id("org", one) for one in partner.organisation_ids],
        all_organisations=partner.all_organisations,
        active=partner.active,
    )
