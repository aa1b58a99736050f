"""Stating a subject's access: to this service's own copy and to all others, in the transaction of the change."""

from services.access.access_parts import split_access
from services.chassis.ids import write_id
from services.contracts.identity import AccessStated, Grant, Role, SubjectKind
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.usecases.ports import IdentityStore


async def state_access(tx: IdentityStore, subject: UserRecord | PartnerRecord) -> None:
    """Say what a user or partner may reach from now on. Called with every new ``version``, and only here is it said."""
    stated = access_of(subject)
    await tx.upsert_access(stated)
    for part in split_access(stated):
        tx.emit(part)


def access_of(subject: UserRecord | PartnerRecord) -> AccessStated:
    """All that a user or partner may reach. Whoever is not active reaches nothing."""
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
    return [Grant(organisation_id=write_id("org", one)) for one in partner.organisation_ids]
