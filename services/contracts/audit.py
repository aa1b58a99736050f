"""The event of an audit entry: each service announces its own, identity collects them."""

import datetime as dt
import enum

from services.contracts.declare import Event
from services.contracts.values import Id


class AuditOutcome(enum.Enum):
    """The outcome of an action."""

    DONE = "DONE"
    REFUSED = "REFUSED"


class AuditRecorded(Event, frozen=True, kw_only=True):
    """An entry was added to a service's audit log. Its personal fields stay there."""

    entry_id: Id
    """The id of the entry."""
    at: dt.datetime
    """The time of the action."""
    actor: str
    """The id of the user, partner or service that acted; ``host`` for a command on the host."""
    acting_for: Id | None = None
    """The id of the customer for whom a staff user acts."""
    action: str
    """The action, such as ``PARTNER_CREATED``."""
    subject_id: Id
    """The id of the thing that the action is about."""
    organisation_id: Id | None = None
    """The organisation whose data the action is about."""
    outcome: AuditOutcome
    """The outcome of the action."""
