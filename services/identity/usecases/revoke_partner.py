"""The revocation of a partner's access (I13)."""

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import find_id
from services.contracts.identity.partners import PartnerRevoked
from services.contracts.values import Conflict, Refusal, conflict, refuse
from services.identity.domain.access import revoke
from services.identity.mapping.responses import partner_response
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.state_access import state_access


async def revoke_partner(work: Work, staff_id: str, id: str, version: int) -> PartnerRevoked | Conflict | Refusal:
    """Revoke a partner in this version, unless it was revoked before. Refused with NOT_FOUND."""
    partner_id = find_id("partner", id)
    async with work() as tx:
        partner = await tx.partners.lock_by_id(partner_id) if partner_id else None
        if partner is None:
            return refuse("NOT_FOUND", "id")
        if partner.active and partner.version != version:
            return conflict(id, yours=version, now=partner.version)
        if partner.active:
            partner = revoke(partner)
            await tx.partners.save(partner)
            await state_access(tx, partner)
            tx.audit(AuditEntry(actor=staff_id, action="PARTNER_REVOKED", subject=id))
    return PartnerRevoked(partner=partner_response(partner))
