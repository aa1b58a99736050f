"""Events that identity publishes."""

import datetime as dt

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.imports import ImportFinished
from services.contracts.permission import Role, SubjectKind
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn
from services.contracts.values import (
    Id,
    Value,
)


class Grant(Value, frozen=True, kw_only=True):
    """A subject's access to an organisation."""

    organisation_id: Id | None
    """None: all organisations, for staff and some partners."""
    role: Role | None = None
    """None for partners, whose scopes decide."""
    billing: bool = False
    """The permission to see prices and invoices."""
    site_ids: list[Id] | None = None
    """None: all sites of the organisation."""
    until: dt.date | None = None
    """The last day, inclusive; None if there is no end."""


@declare_event("identity.access.stated", subject="subject_id")
class AccessStated(Event, frozen=True, kw_only=True):
    """The whole access of a user or partner from now on."""

    subject_id: Id
    kind: SubjectKind
    version: int
    """A higher version replaces every lower one."""
    active: bool
    scopes: list[str]
    grants: list[Grant]
    part: int = 1
    """The number of this part, from 1."""
    parts: int = 1
    """The number of parts if the access is too large for one event. They take effect together."""


@declare_event("identity.session.ended", subject="session_id")
class SessionEnded(Event, frozen=True, kw_only=True):
    """A session ended before its tokens expired: by signing out, by its user, or by a refresh token used twice."""

    session_id: Id
    subject_id: Id


@declare_event("identity.organisation.stated", subject="organisation_id")
class OrganisationStated(Event, frozen=True, kw_only=True):
    """The current state of an organisation that was added or changed."""

    organisation_id: Id
    customer_number: str
    kind: OrganisationKind
    version: int


@declare_event("identity.import.finished", subject="import_id")
class IdentityImportFinished(ImportFinished, frozen=True, kw_only=True):
    """An import of identity has reached its final state."""


@declare_event("identity.ticket.requested", subject="subject_id", site="site_id")
class IdentityTicketRequested(TicketRequested, frozen=True, kw_only=True):
    """Identity asks for a ticket."""


@declare_event("identity.ticket.withdrawn", subject="subject_id")
class IdentityTicketRequestWithdrawn(TicketRequestWithdrawn, frozen=True, kw_only=True):
    """Identity does not need a ticket any more."""


@declare_event("identity.audit.recorded", subject="subject_id")
class IdentityAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to identity's audit log."""
