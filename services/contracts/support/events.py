"""Events that support publishes."""

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event
from services.contracts.support.messages import MessageKind
from services.contracts.support.thread import EntryKind
from services.contracts.support.tickets import Channel, TicketState
from services.contracts.ticket_requests import Topic
from services.contracts.values import Id


@declare_event("support.ticket.opened", subject="ticket_id", site="site_id")
class TicketOpened(Event, frozen=True, kw_only=True):
    """A ticket was opened."""

    ticket_id: Id
    organisation_id: Id | None
    site_id: Id | None
    topic: Topic
    channel: Channel = Channel.PORTAL
    version: int


@declare_event("support.ticket.changed", subject="ticket_id", site="site_id")
class TicketChanged(Event, frozen=True, kw_only=True):
    """A ticket got an entry, another state or another assignee."""

    ticket_id: Id
    organisation_id: Id | None
    site_id: Id | None
    state: TicketState
    entry: EntryKind | None
    """The kind of the entry that was added; None if none was."""
    version: int


@declare_event("support.messages.written", subject="cause_id", site="site_id")
class MessagesWritten(Event, frozen=True, kw_only=True):
    """Messages of one cause were written, and are about to be sent."""

    cause_id: Id
    kind: MessageKind
    organisation_id: Id | None
    site_id: Id | None
    messages: int
    """Their number: one for each recipient."""


@declare_event("support.audit.recorded", subject="subject_id")
class SupportAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to support's audit log."""
