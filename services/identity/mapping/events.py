"""Access and organisations as events."""

from services.chassis.ids import write_id
from services.contracts.identity.events import AccessStated, Grant, OrganisationStated
from services.contracts.permission import Role, SubjectKind
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.domain.organisation import OrganisationRecord


def access_of(subject: UserRecord | PartnerRecord) -> AccessStated:
    """Return all access of a user or partner. An inactive one has none."""
    if isinstance(subject, UserRecord):
        subject_id, kind, scopes, grants = write_id("user", subject.id), subject.kind, [], _grants_of_user(subject)
    else:
        subject_id, kind = write_id("partner", subject.id), SubjectKind.PARTNER
        scopes, grants = subject.scopes, _grants_of_partner(subject)
    return AccessStated(
        subject_id=subject_id,
        kind=kind,
        version=subject.version,
        active=subject.active,
        scopes=scopes if subject.active else [],
        grants=grants if subject.active else [],
    )


def organisation_stated_event(organisation: OrganisationRecord) -> OrganisationStated:
    """Return the event of an organisation, without its name."""
    return OrganisationStated(
        organisation_id=write_id("org", organisation.id),
        customer_number=organisation.facts.customer_number,
        kind=organisation.facts.kind,
        version=organisation.version,
    )


def _grants_of_user(user: UserRecord) -> list[Grant]:
    if user.staff:
        return [Grant(organisation_id=None, role=Role.ADMIN, billing=True)]
    return [
        Grant(
            organisation_id=write_id("org", membership.organisation_id),
            role=membership.role,
            billing=membership.billing,
            site_ids=None if membership.site_ids is None else [write_id("site", one) for one in membership.site_ids],
            until=membership.until,
        )
        for membership in user.memberships
    ]


def _grants_of_partner(partner: PartnerRecord) -> list[Grant]:
    if partner.all_organisations:
        return [Grant(organisation_id=None)]
    return [Grant(organisation_id=write_id("org", organisation_id)) for organisation_id in partner.organisation_ids]
