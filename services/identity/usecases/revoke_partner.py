"""Ending a partner's access at once (I13)."""

from services.chassis.ids import find_id
from services.contracts.identity import PartnerRevoked
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import revoke
from services.identity.usecases.create_partner import partner_response
from services.identity.usecases.ports import Work
from services.identity.usecases.state_access import state_access


async def revoke_partner(work: Work, staff_id: str, id: str) -> PartnerRevoked | Refusal:
    """Revoke a partner; one that was revoked before stays so. Refused with NOT_FOUND."""
    partner_id = find_id("partner", id)
    async with work() as tx:
        partner = await tx.partner_by_id(partner_id, lock=True) if partner_id else None
        if partner is None:
            return refuse("NOT_FOUND", "id")
        if partner.active:
            partner = revoke(partner)
            await tx.save_partner(partner)
            await state_access(tx, partner)
            await tx.audit(staff_id, "PARTNER_REVOKED", id)
    return PartnerRevoked(partner=partner_response(partner))
