"""Partners as responses."""

from services.chassis.ids import write_id
from services.contracts.identity.partners import Partner
from services.identity.domain.access import PartnerRecord


def partner_response(partner: PartnerRecord) -> Partner:
    """Return a partner as staff see it."""
    return Partner(
        id=write_id("partner", partner.id),
        name=partner.name,
        client_id=write_id("partner", partner.id),
        scopes=partner.scopes,
        organisation_ids=[write_id("org", organisation_id) for organisation_id in partner.organisation_ids],
        all_organisations=partner.all_organisations,
        active=partner.active,
        version=partner.version,
    )
