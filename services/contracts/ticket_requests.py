"""The events by which a service asks for a ticket, and says that it is not needed any more: each declares its own.

Support opens one ticket for each cause, adds to it, and closes it.
"""

import enum

from services.contracts.declare import Event
from services.contracts.values import Id


class Topic(enum.Enum):
    """The topic of a message to customer service."""

    PICKUP = "PICKUP"
    """A pickup."""
    CONTAINER = "CONTAINER"
    """The bins."""
    INVOICE = "INVOICE"
    """An invoice."""
    AGREEMENT = "AGREEMENT"
    """An agreement on regular pickups."""
    OTHER = "OTHER"
    """Anything else."""


class TicketRequested(Event, frozen=True, kw_only=True):
    """Something needs a person of customer service: once more, if the cause has a ticket already."""

    cause: str
    """The matter, unique within the service, of ids and codes: ``unreported route_01kjqg... 2026-03-04``."""
    topic: Topic
    """The topic of the ticket."""
    reason: str
    """The code of what happened: ``UNREPORTED_PICKUPS``."""
    subject_id: Id
    """The id of the thing that it is about."""
    organisation_id: Id | None = None
    """The organisation that the thing belongs to; None if it belongs to none."""
    site_id: Id | None = None
    """The site that the thing belongs to, whose users see the ticket; None: it is the staff's alone."""


class TicketRequestWithdrawn(Event, frozen=True, kw_only=True):
    """The cause is gone: its ticket can be closed."""

    cause: str
    """The cause of the request."""
    subject_id: Id
    """The id of the thing that the request named."""
    organisation_id: Id | None = None
    """The organisation that the request named: with it, or with the thing, both events are in order."""
