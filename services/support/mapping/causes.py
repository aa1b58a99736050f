"""The thing that a cause of messages is about, as an id."""

from services.chassis.ids import write_id
from services.contracts.values import Id
from services.support.domain.message import CauseRecord
from services.support.domain.message_kind import RULES, Subject


def subject_id_of(cause: CauseRecord) -> Id:
    """Return the global id of the thing that a cause is about."""
    subject = RULES[cause.kind].subject
    return cause.key if subject is Subject.IMPORT else write_id(subject.value, cause.subject)
