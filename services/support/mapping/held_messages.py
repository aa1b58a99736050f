"""Held messages as responses."""

from services.chassis.ids import write_id, write_optional_id
from services.contracts.identity.people import Language
from services.contracts.support.held_messages import HeldMessage
from services.support.domain.held_message import HeldMessageRecord
from services.support.mapping.message_mail import describe_kind


def held_message_response(held: HeldMessageRecord, language: Language) -> HeldMessage:
    """Return held messages as the staff see them."""
    return HeldMessage(
        id=write_id("held", held.id),
        kind=held.kind,
        description=describe_kind(held.kind, language),
        subject_id=held.subject_id,
        organisation_id=write_optional_id("org", held.organisation_id),
        site_id=write_optional_id("site", held.site_id),
        caused_at=held.caused_at,
        expires_at=held.expires_at,
        held_at=held.held_at,
        state=held.state,
        by=held.decided_by,
        decided_at=held.decided_at,
    )
