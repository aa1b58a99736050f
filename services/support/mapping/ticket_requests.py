"""The texts of tickets that services ask for."""

from services.chassis.texts.catalogue import load_catalogue
from services.contracts.identity.people import Language
from services.contracts.support.tickets import TicketSubject
from services.contracts.ticket_requests import TicketRequested
from services.contracts.values import Id
from services.support.mapping.message_mail import TEXTS


def describe_request(asked: TicketRequested, language: Language) -> str:
    """Return the text of a request: the code of its reason, and the id of its subject, which staff look up."""
    return load_catalogue(TEXTS, language).text("REQUESTED.MESSAGE", reason=asked.reason, subject=asked.subject_id)


def describe_withdrawal(language: Language) -> str:
    """Return the text of a note about a request that was withdrawn."""
    return load_catalogue(TEXTS, language).text("REQUESTED.WITHDRAWN")


def ticket_subject(subject_id: Id) -> TicketSubject | None:
    """Return the thing that a ticket is linked to; None for one of another kind."""
    field = f"{subject_id.partition('_')[0]}_id"
    return TicketSubject(**{field: subject_id}) if field in TicketSubject.__struct_fields__ else None
