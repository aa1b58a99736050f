"""The thing that a ticket is linked to: one of the ticket's own site."""

import msgspec

from services.chassis.ids import write_id
from services.contracts.support.tickets import TicketSubject
from services.contracts.values import Id, Refusal, refuse
from services.support.domain.ticket import SiteCopy
from services.support.usecases.ports.subjects import Subjects


class FoundSubject(msgspec.Struct, frozen=True):
    """A subject, and the site that it belongs to."""

    field: str
    """The field of the input that names it, as clients know it."""
    site_id: Id | None
    """None if it does not exist."""


async def find_subject(subjects: Subjects, subject: TicketSubject | None) -> FoundSubject | None:
    """Return the subject that an input names; None if it names none, or several, which is refused later.

    The owner is called outside of any transaction. Raise NotReadyYet while it does not answer.
    """
    named = {
        field.encode_name: thing_id
        for field in msgspec.structs.fields(TicketSubject)
        if (thing_id := getattr(subject, field.name, None)) is not None
    }
    if len(named) != 1:
        return None
    ((name, thing_id),) = named.items()
    return FoundSubject(name, await subjects.site_of(thing_id))


def subject_refusal(found: FoundSubject | None, site: SiteCopy) -> Refusal | None:
    """Return NOT_FOUND for a subject of another site, as if it did not exist; None for one of this site."""
    if found is None or found.site_id == write_id("site", site.id):
        return None
    return refuse("NOT_FOUND", "subject", found.field)
